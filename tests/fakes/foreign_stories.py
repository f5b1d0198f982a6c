"""
What foreign senders may post, and under which name the golden answers have what becomes of it.

`STORIES[name]` are the posts of one requestId; `tests/golden/dialects/answers.json` has the calls.
"""

from collections.abc import Mapping
from typing import Any

from tests.fakes.foreign import (
    FUNCTION_ITEM,
    IMAGE_ITEM,
    MESSAGE_ITEM,
    OUTPUT,
    Event,
    agents_response,
    agents_stream,
    aisbreaker_image_stream,
    aisbreaker_text_stream,
    b64,
    camelised,
    enveloped,
    numbered,
    response,
    responses_stream,
)

_CREATED: Event = {"type": "response.created", "response": response("in_progress")}
_IMAGE_WHERE: Event = {"item_id": "ig_1", "output_index": 0}
_IMAGE_STARTS: Event = {"type": "response.image_generation_call.in_progress", **_IMAGE_WHERE}
_IMAGE_COMPLETED: Event = {"type": "response.image_generation_call.completed", **_IMAGE_WHERE}
_ERROR: Event = {"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": None}
_BLOCKED: Event = {
    **{name: IMAGE_ITEM[name] for name in ("id", "type")},
    "status": "failed",
    "result": None,
    "error": {"code": "moderation_blocked", "message": "not this one", "type": "image_generation_user_error"},
}

_SECOND: Event = response(
    "completed",
    id="resp_2",
    output=[{**MESSAGE_ITEM, "id": "msg_2"}],
    usage={"input_tokens": 30, "output_tokens": 6, "total_tokens": 36},
)

_RESPONSES: Mapping[str, list[Event]] = {
    "stream": responses_stream(),
    "image completed, alone": numbered([_IMAGE_COMPLETED]),
    "response.completed, alone": numbered([{"type": "response.completed", "response": response("completed", OUTPUT)}]),
    "failed": numbered([
        _CREATED,
        {"type": "response.failed", "response": response("failed", error={"code": "server_error", "message": "it broke"})},
    ]),
    "incomplete": numbered([
        _CREATED,
        {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "Once upon"},
        {"type": "response.incomplete", "response": response("incomplete", incomplete_details={"reason": "max_output_tokens"})},
    ]),
    "refused": numbered([
        _CREATED,
        {"type": "response.refusal.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "I will not."},
        {"type": "response.completed", "response": response("completed")},
    ]),
    "error while an image is made": numbered([_CREATED, _IMAGE_STARTS, _ERROR]),
    "image blocked": numbered([
        _CREATED,
        _IMAGE_STARTS,
        {"type": "response.output_item.done", "output_index": 0, "item": _BLOCKED},
        {"type": "response.completed", "response": response("completed", [_BLOCKED])},
    ]),
    "cut off after its text": numbered([
        _CREATED,
        {"type": "response.output_text.done", "item_id": "msg_1", "output_index": 0, "content_index": 0, "text": "All of it."},
        {"type": "response.output_item.done", "output_index": 1, "item": FUNCTION_ITEM},
    ]),
    "two responses of a run": numbered([
        _CREATED,
        {"type": "response.completed", "response": response("completed", [FUNCTION_ITEM])},
        {"type": "response.created", "response": response("in_progress", id="resp_2")},
        {"type": "response.completed", "response": _SECOND},
    ]),
    "approval": numbered([
        _CREATED,
        {
            "type": "response.output_item.done", "output_index": 0,
            "item": {"id": "mcpr_1", "type": "mcp_approval_request", "name": "delete_all", "arguments": "{}"},
        },
        {"type": "response.completed", "response": response("completed")},
    ]),
}  # fmt: skip


def _agents_turn(number: int, output: list[Event]) -> list[Event]:
    usage = {"inputTokens": 100 * number, "outputTokens": number, "totalTokens": 101 * number}
    return [
        {"type": "response_started"},
        {"type": "output_text_delta", "delta": f"turn {number}"},
        {"type": "response_done", "response": {"id": f"resp_{number}", "output": output, "usage": usage}},
    ]


_AGENTS: Mapping[str, list[Event]] = {
    "stream": agents_stream(),
    "response_done, alone": [{"type": "response_done", "response": agents_response()}],
    "no usage told": [{
        "type": "response_done",
        "response": {"id": "r", "output": [], "usage": {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}},
    }],
    "two responses of a run": [
        *_agents_turn(1, [{"type": "function_call", "callId": "call_1", "name": "feed", "arguments": "{}"}]),
        *_agents_turn(2, []),
    ],
    "usage of two requests": [{
        "type": "response_done",
        "response": {
            "id": "r", "output": [], "providerData": {"model": "gpt-5"},
            "usage": {
                "requests": 2, "inputTokens": 9, "outputTokens": 4, "totalTokens": 13,
                "inputTokensDetails": [{"cached_tokens": 1}, {"cached_tokens": 2}],
                "outputTokensDetails": [{"reasoning_tokens": 3}],
            },
        },
    }],
}  # fmt: skip

_AISBREAKER: Mapping[str, list[Event]] = {
    "image": aisbreaker_image_stream(),
    "text": aisbreaker_text_stream(),
    "image, alone": [{"type": "OutputImage", "index": 1, "role": "assistant", "url": "https://example.test/axolotl.png"}],
    "sketch, alone": [
        {"type": "OutputImage", "index": 0, "role": "assistant", "base64": b64(b"GIF8 sketch"), "isProcessing": True}
    ],
    "text in whole": [{"type": "OutputText", "index": 0, "role": "assistant", "content": "Good day", "isDelta": False}],
}


def _stories(plugin_id: str, events: Mapping[str, list[Event]]) -> dict[str, list[dict[str, Any]]]:
    return {f"{plugin_id}: {name}": enveloped(plugin_id, of_story, request_id="r1") for name, of_story in events.items()}


STORIES: Mapping[str, list[dict[str, Any]]] = {
    **_stories("openai", _RESPONSES),
    **_stories("openrouter", {name: [camelised(event) for event in events] for name, events in _RESPONSES.items()}),
    **_stories("openai-agents", _AGENTS),
    **_stories("aisbreaker", _AISBREAKER),
}
