"""
What the benchmarks of the client say to a model and what the model answers, in the words of each SDK.

Flow: **said** -> client_stubs, client_clients (the calls) -> hooks -> client_receiver (checks that all of it arrived).
"""

import json
from typing import Any

CHUNKS = 100
FEW_CHUNKS = 24
"""Of a stream that takes its time."""
ASKED = "Say that this is a test."
SYSTEM = "You are terse."
ANSWER = "This is a test."
WORDS = [f" word{number}" for number in range(CHUNKS)]
STREAMED = "".join(WORDS)
TOTAL_TOKENS = 25
MODEL = "gpt-4o"

MESSAGES: Any = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": ASKED}]

# -- openai, openrouter: chat -----------------------------------------------------------------------------------------------

USAGE = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": TOTAL_TOKENS, "prompt_tokens_details": {"cached_tokens": 4}}
_HEAD = {"id": "chatcmpl-1", "created": 1, "model": "gpt-4o-2024-08-06", "system_fingerprint": None}
CHAT: dict[str, Any] = _HEAD | {
    "object": "chat.completion",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": ANSWER}}],
    "usage": USAGE,
}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return _HEAD | {"object": "chat.completion.chunk", "choices": choices}


def chat_chunks(count: int) -> list[dict[str, Any]]:
    """A stream of so many words; its last chunk has the usage."""
    told = _HEAD | {"object": "chat.completion.chunk", "choices": [], "usage": USAGE}
    return [*(_chunk({"content": word}) for word in WORDS[:count]), _chunk({}, "stop"), told]


# -- openai: responses ------------------------------------------------------------------------------------------------------

_MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": ANSWER, "annotations": []}],
}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-4o-2024-08-06",
    "status": "completed",
    "output": [_MESSAGE],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": TOTAL_TOKENS,
    },
}


def response_events(count: int) -> list[dict[str, Any]]:
    """The same as the events of a Responses stream."""
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": []}
    begun = {"type": "response.created", "response": RESPONSE | {"status": "in_progress", "output": [], "usage": None}}
    deltas = [{"type": "response.output_text.delta", "delta": word, **where} for word in WORDS[:count]]
    said = [{**part, "text": "".join(WORDS[:count])} for part in _MESSAGE["content"]]  # type: ignore[dict-item]
    done = {"type": "response.completed", "response": RESPONSE | {"output": [_MESSAGE | {"content": said}]}}
    return [event | {"sequence_number": number} for number, event in enumerate([begun, *deltas, done])]


# -- anthropic --------------------------------------------------------------------------------------------------------------

MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5",
    "content": [{"type": "text", "text": ANSWER}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 16, "output_tokens": 5, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 0},
}


def message_events(count: int) -> list[dict[str, Any]]:
    """A streamed message of so many words."""
    begun = MESSAGE | {"content": [], "stop_reason": None}
    return [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}} for word in WORDS[:count]),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]


# -- google-genai -----------------------------------------------------------------------------------------------------------

CONTENTS: dict[str, Any] = {
    "contents": [{"parts": [{"text": ASKED}], "role": "user"}],
    "systemInstruction": {"parts": [{"text": SYSTEM}], "role": "user"},
    "generationConfig": {"temperature": 0.2},
}


def content(text: str, *, is_last: bool) -> str:
    """One answer, or one piece of a stream, as the JSON that goes over the wire."""
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    body: dict[str, Any] = {"candidates": [candidate], "modelVersion": "gemini-2.5-flash", "responseId": "r1"}
    if is_last:
        candidate["finishReason"] = "STOP"
        body["usageMetadata"] = {"promptTokenCount": 20, "candidatesTokenCount": 5, "totalTokenCount": TOTAL_TOKENS}
    return json.dumps(body)


def contents(count: int) -> list[str]:
    """The pieces of a stream of so many words."""
    return [content(word, is_last=number == count - 1) for number, word in enumerate(WORDS[:count])]
