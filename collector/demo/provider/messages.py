"""
Messages, as Anthropic speaks them: one JSON document, or a stream of named events.

Flow: Ask -> **messages** -> Reply.
Pure.
"""

import json
from collections.abc import Iterator
from typing import Any

from collector.demo.provider.answers import count_tokens, last_prompt, text_of, tools_to_call, write_text
from collector.demo.provider.wire import Ask, Frames, Json, Reply, words_of

Block = dict[str, Any]


def answer_message(ask: Ask) -> Reply:
    """The endpoint."""
    if ask.is_stream:
        return Frames(frames=_events(ask), named=True)
    body = _head(ask) | {"content": list(_blocks(ask)), "stop_reason": _stop_reason(ask), "usage": _usage(ask)}
    return Json(body=body)


def _events(ask: Ask) -> Iterator[Block]:
    begun: Block = _head(ask) | {"content": [], "stop_reason": None, "usage": _usage(ask) | {"output_tokens": 1}}
    yield {"type": "message_start", "message": begun}
    yield {"type": "ping"}
    for index, block in enumerate(_blocks(ask)):
        yield {"type": "content_block_start", "index": index, "content_block": _empty(block)}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": _stop_reason(ask), "stop_sequence": None}
    # The whole count so far, not what was added.
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": _usage(ask)["output_tokens"]}}
    yield {"type": "message_stop"}


def _blocks(ask: Ask) -> Iterator[Block]:
    if ask.mapping("thinking").get("type") == "enabled":
        yield {"type": "thinking", "thinking": "Let me think about it first.", "signature": "sig_fake"}
    calls = _calls(ask)
    for call_id, name, given in calls:
        yield {"type": "tool_use", "id": call_id, "name": name, "input": given}
    if not calls:
        yield {"type": "text", "text": _text(ask), "citations": None}


def _empty(block: Block) -> Block:
    match block["type"]:
        case "text":
            return block | {"text": ""}
        case "thinking":
            return block | {"thinking": "", "signature": ""}
        case _:
            return block | {"input": {}}


def _deltas(block: Block) -> Iterator[Block]:
    match block["type"]:
        case "text":
            yield from ({"type": "text_delta", "text": piece} for piece in words_of(block["text"]))
        case "thinking":
            yield from ({"type": "thinking_delta", "thinking": piece} for piece in words_of(block["thinking"]))
            yield {"type": "signature_delta", "signature": block["signature"]}
        case _:
            written = json.dumps(block["input"])
            pieces = (written[start : start + 6] for start in range(0, len(written), 6))
            yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)


def _head(ask: Ask) -> Block:
    return {"id": "msg_fake", "type": "message", "role": "assistant", "model": ask.answering_model, "stop_sequence": None}


def _calls(ask: Ask) -> list[tuple[str, str, dict[str, Any]]]:
    """Anthropic's tools are bare functions, their results blocks of a user's message."""
    messages = ask.items("messages")
    last: Any = messages[-1].get("content") if messages else None
    has_result = isinstance(last, list) and '"tool_result"' in json.dumps(last)
    return tools_to_call(ask, has_result=has_result)


def _text(ask: Ask) -> str:
    return write_text(ask, last_prompt(ask.items("messages")))


def _stop_reason(ask: Ask) -> str:
    if ask.has("incomplete"):
        return "max_tokens"
    return "tool_use" if _calls(ask) else "end_turn"


def _usage(ask: Ask) -> Block:
    asked = sum(count_tokens(text_of(m.get("content"))) for m in ask.items("messages")) + 3
    return {
        "input_tokens": asked,
        "cache_read_input_tokens": asked // 2,
        "cache_creation_input_tokens": asked // 3,
        "output_tokens": count_tokens(_text(ask)),
        "service_tier": "standard",
    }
