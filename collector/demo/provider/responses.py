"""
Responses: one JSON document, or the whole stream of typed events that leads to it.

Flow: Ask -> **responses** -> Reply.
Pure. As with the real one, an image's bytes come only with `response.output_item.done`.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from collector.demo.provider.answers import count_tokens, draw_png, last_prompt, tools_to_call, write_text
from collector.demo.provider.wire import Ask, Frames, Json, Reply, words_of

CREATED = 1_764_000_000

Event = dict[str, Any]


def answer_response(ask: Ask) -> Reply:
    """The endpoint."""
    if not ask.is_stream:
        return Json(body=_document(ask, _status(ask), _output(ask)))
    return Frames(frames=_numbered(_events(ask)), named=True)


def _numbered(events: Iterator[Event]) -> Iterator[Event]:
    for number, event in enumerate(events):
        yield event | {"sequence_number": number}


def _events(ask: Ask) -> Iterator[Event]:
    output = _output(ask)
    yield {"type": "response.created", "response": _document(ask, "in_progress", [])}
    yield {"type": "response.in_progress", "response": _document(ask, "in_progress", [])}
    for index, item in enumerate(output):
        begun = {key: value for key, value in item.items() if key not in _WRITTEN_LATER} | {"status": "in_progress"}
        yield {"type": "response.output_item.added", "output_index": index, "item": begun | _EMPTY[item["type"]]}
        where = {"item_id": item["id"], "output_index": index}
        for event in _ITEM_EVENTS[item["type"]](item):
            yield event | where
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    status = _status(ask)
    yield {"type": f"response.{status}", "response": _document(ask, status, output)}


_WRITTEN_LATER = {"result", "revised_prompt"}
_EMPTY: Mapping[str, Event] = {
    "message": {"content": []},
    "function_call": {"arguments": ""},
    "image_generation_call": {"result": None},
    "reasoning": {"summary": []},
}


def _message_events(item: Event) -> Iterator[Event]:
    part = item["content"][0]
    yield {"type": "response.content_part.added", "content_index": 0, "part": part | {"text": ""}}
    for piece in words_of(part["text"]):
        yield {"type": "response.output_text.delta", "content_index": 0, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", "content_index": 0, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", "content_index": 0, "part": part}


def _function_events(item: Event) -> Iterator[Event]:
    written = item["arguments"]
    for start in range(0, len(written), 6):
        yield {"type": "response.function_call_arguments.delta", "delta": written[start : start + 6]}
    yield {"type": "response.function_call_arguments.done", "arguments": written, "name": item["name"]}


def _image_events(item: Event) -> Iterator[Event]:
    yield {"type": "response.image_generation_call.in_progress"}
    yield {"type": "response.image_generation_call.generating"}
    partial = b64encode(draw_png("partial", 8)).decode()
    yield {"type": "response.image_generation_call.partial_image", "partial_image_index": 0, "partial_image_b64": partial}
    yield {"type": "response.image_generation_call.completed"}


def _reasoning_events(item: Event) -> Iterator[Event]:
    part = item["summary"][0]
    yield {"type": "response.reasoning_summary_part.added", "summary_index": 0, "part": part | {"text": ""}}
    for piece in words_of(part["text"]):
        yield {"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": piece}
    yield {"type": "response.reasoning_summary_text.done", "summary_index": 0, "text": part["text"]}
    yield {"type": "response.reasoning_summary_part.done", "summary_index": 0, "part": part}


_ITEM_EVENTS = {
    "message": _message_events,
    "function_call": _function_events,
    "image_generation_call": _image_events,
    "reasoning": _reasoning_events,
}


def _output(ask: Ask) -> list[Event]:
    items: list[Event] = []
    if ask.body.get("reasoning"):
        summary = [{"type": "summary_text", "text": "First I think about what was asked."}]
        items.append({"id": "rs_0", "type": "reasoning", "summary": summary, "status": "completed"})
    if any(tool.get("type") == "image_generation" for tool in ask.items("tools")):
        items.append(_image(ask))
    calls = tools_to_call(ask, has_result=_has_result(ask))
    items += [_function_call(call) for call in calls]
    if not calls:
        part: Event = {"type": "output_text", "text": _text(ask), "annotations": [], "logprobs": []}
        items.append({"id": "msg_0", "type": "message", "status": "completed", "role": "assistant", "content": [part]})
    return items


def _image(ask: Ask) -> Event:
    return {
        "id": "ig_0",
        "type": "image_generation_call",
        "status": "completed",
        "result": b64encode(draw_png(_prompt(ask))).decode(),
        "output_format": "png",
        "quality": "low",
        "size": "1024x1024",
        "background": "opaque",
        "revised_prompt": _prompt(ask),
    }


def _function_call(call: tuple[str, str, dict[str, Any]]) -> Event:
    call_id, name, arguments = call
    return {
        "id": f"fc_{call_id}",
        "type": "function_call",
        "status": "completed",
        "call_id": call_id,
        "name": name,
        "arguments": json.dumps(arguments),
    }


def _document(ask: Ask, status: str, output: list[Event]) -> Event:
    done = status != "in_progress"
    failed = {"code": "server_error", "message": "the model gave up"} if status == "failed" else None
    return {
        "id": "resp_fake",
        "object": "response",
        "created_at": CREATED,
        "completed_at": CREATED + 1 if done else None,
        "status": status,
        "error": failed,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": ask.body.get("instructions"),
        "metadata": {},
        "model": ask.answering_model,
        "output": output,
        "parallel_tool_calls": True,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "temperature": ask.body.get("temperature", 1.0),
        "tool_choice": ask.body.get("tool_choice", "auto"),
        "tools": ask.body.get("tools") or [],
        "top_p": 1.0,
        "text": ask.body.get("text") or {"format": {"type": "text"}},
        "usage": _usage(ask) if done and not ask.has("no-usage") else None,
    }


def _usage(ask: Ask) -> Event:
    asked = count_tokens(_prompt(ask)) + 8
    thought = 9 if ask.body.get("reasoning") else 0
    answered = count_tokens(_text(ask)) + thought
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": asked + answered,
    }


def _status(ask: Ask) -> str:
    if ask.has("failed"):
        return "failed"
    return "incomplete" if ask.has("incomplete") else "completed"


def _has_result(ask: Ask) -> bool:
    given = ask.items("input")
    return bool(given) and given[-1].get("type") == "function_call_output"


def _prompt(ask: Ask) -> str:
    given = ask.body.get("input")
    return last_prompt([{"role": "user", "content": given}] if isinstance(given, str) else ask.items("input"))


def _text(ask: Ask) -> str:
    return write_text(ask, _prompt(ask))
