"""
Chat completions: one JSON document, or a stream of chunks.

Flow: Ask -> **chat** -> Reply.
Pure.
"""

import json
from collections.abc import Iterator
from typing import Any

from collector.demo.provider.answers import count_tokens, last_prompt, text_of, tools_to_call, write_text
from collector.demo.provider.wire import Ask, Frames, Json, Reply, words_of

CREATED = 1_764_000_000


def answer_chat(ask: Ask) -> Reply:
    """The endpoint."""
    if ask.is_stream:
        return Frames(frames=_chunks(ask), named=False)
    calls = _calls(ask)
    message: dict[str, Any] = {"role": "assistant", "content": None if calls else _text(ask), "refusal": None}
    if calls:
        message["tool_calls"] = [_tool_call(call) for call in calls]
    choices = [
        {"index": i, "message": message, "logprobs": None, "finish_reason": _finish(ask, calls)}
        for i in range(_choice_count(ask))
    ]
    body = _head(ask, "chat.completion") | {"choices": choices}
    return Json(body=body if ask.has("no-usage") else body | {"usage": _usage(ask)})


def answer_completion(ask: Ask) -> Reply:
    """The older text completions: a prompt, and choices that have `text`."""
    head = _head(ask, "text_completion")
    text = write_text(ask, str(ask.body.get("prompt") or ""))
    if ask.is_stream:
        pieces = [(piece, None) for piece in words_of(text)] + [("", "stop")]
        return Frames(frames=(head | {"choices": [_text_choice(piece, finish)]} for piece, finish in pieces), named=False)
    return Json(body=head | {"choices": [_text_choice(text, "stop")], "usage": _usage(ask)})


def _text_choice(text: str, finish: str | None) -> dict[str, Any]:
    return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}


def _chunks(ask: Ask) -> Iterator[dict[str, Any]]:
    for index in range(_choice_count(ask)):
        yield _chunk(ask, index, {"role": "assistant", "content": "", "refusal": None})
    calls = _calls(ask)
    yield from _tool_chunks(ask, calls) if calls else _text_chunks(ask)
    for index in range(_choice_count(ask)):
        yield _chunk(ask, index, {}, _finish(ask, calls))
    if ask.mapping("stream_options").get("include_usage") and not ask.has("no-usage"):
        yield _head(ask, "chat.completion.chunk") | {"choices": [], "usage": _usage(ask)}


def _text_chunks(ask: Ask) -> Iterator[dict[str, Any]]:
    for piece in words_of(_text(ask)):
        for index in range(_choice_count(ask)):
            yield _chunk(ask, index, {"content": piece})


def _tool_chunks(ask: Ask, calls: list[Any]) -> Iterator[dict[str, Any]]:
    for number, (call_id, name, arguments) in enumerate(calls):
        index = 0 if ask.has("same-index") else number
        head = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
        yield _chunk(ask, 0, {"tool_calls": [head]})
        written = json.dumps(arguments)
        for start in range(0, len(written), 6):
            piece = {"index": index, "function": {"arguments": written[start : start + 6]}}
            yield _chunk(ask, 0, {"tool_calls": [piece]})


def _chunk(ask: Ask, index: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _head(ask, "chat.completion.chunk") | {"choices": [choice], "usage": None}


def _head(ask: Ask, kind: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-fake",
        "object": kind,
        "created": CREATED,
        "model": ask.answering_model,
        "system_fingerprint": "fp_fake",
        "service_tier": "default",
    }


def _calls(ask: Ask) -> list[tuple[str, str, dict[str, Any]]]:
    messages = ask.items("messages")
    return tools_to_call(ask, has_result=bool(messages) and messages[-1].get("role") == "tool")


def _tool_call(call: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    call_id, name, arguments = call
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


def _text(ask: Ask) -> str:
    return write_text(ask, last_prompt(ask.items("messages")))


def _choice_count(ask: Ask) -> int:
    return int(ask.body.get("n") or 1)


def _finish(ask: Ask, calls: list[Any]) -> str:
    if ask.has("failed"):
        return "error"
    if ask.has("incomplete"):
        return "length"
    return "tool_calls" if calls else "stop"


def _usage(ask: Ask) -> dict[str, Any]:
    asked = sum(count_tokens(text_of(m.get("content"))) for m in ask.items("messages")) + 3
    answered = count_tokens(_text(ask)) * _choice_count(ask)
    cached = asked // 2
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 2 if ask.body.get("reasoning_effort") else 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
