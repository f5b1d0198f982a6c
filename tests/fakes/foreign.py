"""
Streams of other SDKs as somebody would post them raw: envelopes with a context, one event a few milliseconds after another.

    posts = enveloped("openai", responses_stream(), request_id="r1")
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from collector.dialects.spelling import camel

T0 = 1_795_000_000_000
STEP_MS = 10

PNG = b"\x89PNG\r\n\x1a\n" + b"a picture of an axolotl"
SKETCH = b"\x89PNG\r\n\x1a\n" + b"a first sketch of it"
PHOTO = b"\xff\xd8\xff\xe0" + b"a photo in a message"
SPOKEN = b"ID3" + b"what was spoken"

Event = dict[str, Any]


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def enveloped(
    plugin_id: str, events: Sequence[Event], *, request_id: str | None, at_ms: float = T0, **context: Any
) -> list[Event]:
    """Each event in the bus envelope, with the requestId and a time of its own in the context."""
    named = {} if request_id is None else {"requestId": request_id}
    return [
        {
            "type": event["type"],
            "pluginId": plugin_id,
            "payload": event,
            "context": {**named, "timestamp": at_ms + n * STEP_MS, **context},
        }
        for n, event in enumerate(events)
    ]


def camelised(value: Any) -> Any:
    """The same with camelCase names, as JavaScript SDKs have it; text stays as it is."""
    if isinstance(value, dict):
        return {camel(str(name)): camelised(inner) for name, inner in value.items()}
    return [camelised(inner) for inner in value] if isinstance(value, list) else value


IMAGE_ITEM: Event = {
    "id": "ig_1", "type": "image_generation_call", "status": "completed", "result": b64(PNG), "output_format": "png",
    "revised_prompt": "An axolotl, smiling", "size": "1024x1024", "quality": "low", "background": "opaque",
}  # fmt: skip
REASONING_ITEM: Event = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "First look, then draw."}],
}
SEARCH_ITEM: Event = {
    "id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "axolotl habitat"},
}  # fmt: skip
FILES_ITEM: Event = {
    "id": "fs_1", "type": "file_search_call", "status": "completed", "queries": ["axolotl care"],
    "results": [{"file_id": "file-1", "filename": "care.md", "score": 0.9, "text": "Keep it cool."}],
}  # fmt: skip
CODE_ITEM: Event = {
    "id": "ci_1", "type": "code_interpreter_call", "status": "completed", "container_id": "cntr_1", "code": "print(6*7)",
    "outputs": [{"type": "logs", "logs": "42\n"}],
}  # fmt: skip
MCP_ITEM: Event = {
    "id": "mcp_1", "type": "mcp_call", "status": "failed", "name": "lookup", "server_label": "zoo", "arguments": '{"id":7}',
    "output": None, "error": {"type": "http_error", "code": 503, "message": "the zoo is closed"},
}  # fmt: skip
FUNCTION_ITEM: Event = {
    "id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "feed",
    "arguments": '{"what":"worms"}',
}  # fmt: skip
MESSAGE_ITEM: Event = {
    "id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
    "content": [{"type": "output_text", "text": "Here it is.", "annotations": []}],
}  # fmt: skip
OUTPUT = [REASONING_ITEM, IMAGE_ITEM, SEARCH_ITEM, FILES_ITEM, CODE_ITEM, MCP_ITEM, FUNCTION_ITEM, MESSAGE_ITEM]
USAGE: Event = {
    "input_tokens": 120, "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 8},
    "output_tokens": 64, "output_tokens_details": {"reasoning_tokens": 16}, "total_tokens": 184,
}  # fmt: skip


def response(status: str, output: Sequence[Event] = (), **more: Any) -> Event:
    """The response's document."""
    return {
        "id": "resp_1", "object": "response", "created_at": 1_795_000_000, "model": "gpt-5-2025-08-07", "status": status,
        "instructions": "You draw.", "temperature": 0.5, "max_output_tokens": 900, "reasoning": {"effort": "low"},
        "tools": [{"type": "image_generation"}, {"type": "function", "name": "feed"}], "error": None,
        "incomplete_details": None, "output": list(output), "usage": USAGE if status == "completed" else None, **more,
    }  # fmt: skip


def numbered(events: Sequence[Event]) -> list[Event]:
    return [{**event, "sequence_number": n} for n, event in enumerate(events)]


def responses_stream() -> list[Event]:
    """A stream with every kind of item that has events of its own, in snake_case."""
    events: list[Event] = [
        {"type": "response.created", "response": response("in_progress")},
        {"type": "response.in_progress", "response": response("in_progress")},
        *_item(0, REASONING_ITEM, [
            {"type": "response.reasoning_summary_part.added", "summary_index": 0, "part": {"type": "summary_text", "text": ""}},
            {"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": "First look, "},
            {"type": "response.reasoning_text.delta", "content_index": 0, "delta": "then draw."},
            {"type": "response.reasoning_summary_text.done", "summary_index": 0, "text": "First look, then draw."},
        ]),
        *_item(1, IMAGE_ITEM, [
            {"type": "response.image_generation_call.in_progress"},
            {"type": "response.image_generation_call.generating"},
            {"type": "response.image_generation_call.partial_image", "partial_image_index": 0, "partial_image_b64": b64(SKETCH)},
            {"type": "response.image_generation_call.completed"},
        ]),
        *_item(2, SEARCH_ITEM, _steps("web_search_call", "in_progress", "searching", "completed")),
        *_item(3, FILES_ITEM, _steps("file_search_call", "in_progress", "searching", "completed")),
        *_item(4, CODE_ITEM, [
            *_steps("code_interpreter_call", "in_progress"),
            {"type": "response.code_interpreter_call_code.delta", "delta": "print(6*7)"},
            {"type": "response.code_interpreter_call_code.done", "code": "print(6*7)"},
            *_steps("code_interpreter_call", "interpreting", "completed"),
        ]),
        *_item(5, MCP_ITEM, [
            {"type": "response.mcp_call_arguments.delta", "delta": '{"id":7}'},
            {"type": "response.mcp_call_arguments.done", "arguments": '{"id":7}'},
            *_steps("mcp_call", "in_progress", "failed"),
        ]),
        *_item(6, FUNCTION_ITEM, [
            {"type": "response.function_call_arguments.delta", "delta": '{"what":'},
            {"type": "response.function_call_arguments.delta", "delta": '"worms"}'},
            {"type": "response.function_call_arguments.done", "arguments": '{"what":"worms"}'},
        ]),
        *_item(7, MESSAGE_ITEM, [
            {"type": "response.content_part.added", "content_index": 0, "part": {"type": "output_text", "text": ""}},
            {"type": "response.output_text.delta", "content_index": 0, "delta": "Here "},
            {"type": "response.output_text.delta", "content_index": 0, "delta": "it is."},
            {"type": "response.output_text.annotation.added", "annotation_index": 0, "annotation": {"type": "url_citation"}},
            {"type": "response.output_text.done", "content_index": 0, "text": "Here it is."},
            {"type": "response.content_part.done", "content_index": 0, "part": {"type": "output_text", "text": "Here it is."}},
        ]),
        {"type": "response.completed", "response": response("completed", OUTPUT)},
    ]  # fmt: skip
    return numbered(events)


_LATER = {"result", "results", "outputs", "output", "arguments", "code", "action", "error", "revised_prompt"}


def _item(index: int, item: Event, between: Sequence[Event]) -> list[Event]:
    begun = {name: value for name, value in item.items() if name not in _LATER} | {"status": "in_progress"}
    if item["type"] == "message":
        begun["content"] = []
    where = {"item_id": item["id"], "output_index": index}
    return [
        {"type": "response.output_item.added", "output_index": index, "item": begun},
        *({**event, **where} for event in between),
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


def _steps(kind: str, *steps: str) -> list[Event]:
    return [{"type": f"response.{kind}.{step}"} for step in steps]


def agents_stream() -> list[Event]:
    """An Agents SDK stream whose end has every kind of output item."""
    return [
        {"type": "response_started", "providerData": {"type": "response.created"}},
        {"type": "output_text_delta", "delta": "I can "},
        {"type": "output_text_delta", "delta": "show it."},
        {"type": "model", "event": {"type": "response.in_progress"}},
        {"type": "response_done", "response": agents_response()},
    ]


ACTIONS: Mapping[str, Event] = {
    "screenshot": {"type": "screenshot"},
    "click": {"type": "click", "button": "left", "x": 301, "y": 302},
    "double_click": {"type": "double_click", "x": 303, "y": 304},
    "scroll": {"type": "scroll", "x": 305, "y": 306, "scroll_x": 307, "scroll_y": 308},
    "type": {"type": "type", "text": "typed into the page"},
    "wait": {"type": "wait"},
    "move": {"type": "move", "x": 309, "y": 310},
    "keypress": {"type": "keypress", "keys": ["CTRL+A", "DELETE"]},
    "drag": {"type": "drag", "path": [{"x": 311, "y": 312}, {"x": 313, "y": 314}]},
}


def agents_response() -> Event:
    """The response of a `response_done`, every field set."""
    computer = [
        {
            "type": "computer_call",
            "id": f"item-of-{name}",
            "callId": f"call_computer_{n}",
            "status": "completed",
            "action": action,
        }
        for n, (name, action) in enumerate(ACTIONS.items())
    ]
    return {
        "id": "resp_agents_1",
        "output": [
            {
                "id": "msg_agents_1", "type": "message", "role": "assistant", "status": "completed",
                "content": [
                    {"type": "output_text", "text": "I can show it.", "providerData": {"annotations": ["note-on-text"]}},
                    {"type": "refusal", "refusal": "But I may not sell it.", "providerData": {"reason": "note-on-refusal"}},
                    {"type": "input_text", "text": "as you asked before", "providerData": {"from": "note-on-input"}},
                    {"type": "audio", "audio": b64(SPOKEN), "format": "mp3", "transcript": "spoken words"},
                    {"type": "audio", "audio": {"id": "audio_stored_1"}, "transcript": "words kept elsewhere"},
                    {"type": "image", "image": f"data:image/jpeg;base64,{b64(PHOTO)}", "providerData": {"detail": "note-on-it"}},
                    {"type": "image", "image": "https://example.test/axolotl.png"},
                ],
                "providerData": {"phase": "note-on-message"},
            },
            {
                "id": "hosted_1", "type": "hosted_tool_call", "name": "web_search_call", "arguments": '{"query":"axolotl"}',
                "output": "found three pages", "status": "completed", "providerData": {"sources": ["note-on-search"]},
            },
            {
                "id": "hosted_2", "type": "hosted_tool_call", "name": "image_generation_call", "output": b64(PNG),
                "status": "completed", "providerData": {"revised_prompt": "An axolotl in a tank"},
            },
            {
                "id": "fc_agents_1", "type": "function_call", "callId": "call_feed_1", "name": "feed_the_axolotl",
                "arguments": '{"what":"flakes"}', "status": "completed", "providerData": {"strict": "note-on-function"},
            },
            *computer,
            {
                "id": "rs_agents_1", "type": "reasoning", "providerData": {"encrypted_content": "note-on-reasoning"},
                "content": [{"type": "input_text", "text": "thought about it", "providerData": {"n": "note-on-thought"}}],
            },
            {"id": "unknown_1", "type": "unknown", "providerData": {"type": "something_new"}},
        ],
        "usage": {
            "requests": 11, "inputTokens": 1234, "outputTokens": 567, "totalTokens": 1801,
            "inputTokensDetails": {"cached_tokens": 345, "cache_write_tokens": 212},
            "outputTokensDetails": {"reasoning_tokens": 234},
        },
        "providerData": {"model": "gpt-5-agents", "status": "completed", "service_tier": "default_tier"},
    }  # fmt: skip


def aisbreaker_image_stream() -> list[Event]:
    """An image in work, then done, then the end, which has it once more and tells how long all took."""
    final = {"index": 0, "role": "assistant", "base64": b64(PNG), "isProcessing": False}
    return [
        {"type": "OutputImage", "index": 0, "role": "assistant", "base64": b64(SKETCH), "isProcessing": True},
        {"type": "OutputImage", **final},
        {
            "type": "ResponseFinal",
            "outputs": [{"image": final}],
            "conversationState": "state-of-the-talk",
            "usage": {"engine": {"serviceId": "image:openai.com", "engineId": "dall-e-3"}, "totalMilliseconds": 4210},
        },
    ]


def aisbreaker_text_stream() -> list[Event]:
    """Text in pieces, and whole at the end."""
    return [
        {"type": "OutputText", "index": 0, "role": "assistant", "content": "Good ", "isDelta": True, "isProcessing": True},
        {"type": "OutputText", "index": 0, "role": "assistant", "content": "day", "isDelta": True, "isProcessing": True},
        {
            "type": "ResponseFinal",
            "outputs": [{"text": {"index": 0, "role": "assistant", "content": "Good day"}}],
            "usage": {"service": {"serviceId": "chat:openai.com", "engineId": "gpt-4o"}, "totalMilliseconds": 350.5},
        },
    ]
