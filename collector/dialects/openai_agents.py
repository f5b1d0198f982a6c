"""
Model streams of the OpenAI Agents SDK for JavaScript: `response_started`, `output_text_delta`, `response_done`.

Flow: HTTP -> **openai-agents** -> validation -> storage -> **openai-agents** -> assembly.
The whole answer is in `response_done`. What the model's provider said besides lies in `providerData`, in its own spelling.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from collector.dialects.foreign import ForeignDialect
from collector.dialects.token_usage import token_usage
from collector.dialects.translation import Said, image, nothing, objects, told, tool_call
from collector.events import StoredEvent
from collector.fields import mapping, name, text

Payload = Mapping[str, Any]

_DONE: Final = "response_done"
IMAGE_TOOL: Final = "image_generation_call"
_INCOMPLETE: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}


def translate(events: Sequence[StoredEvent], request_id: str) -> Sequence[StoredEvent]:
    """The stream as a text call; where the sender gives one requestId to all responses of a run, the last one ends it."""
    model = next((told_model for event in events if (told_model := _model(event.payload)) is not None), None)
    defaults = {"model": model, "responseModel": model}
    ends = [event for event in events if event.type == _DONE]
    found: list[StoredEvent] = []
    turn = 0
    for event in events:
        teller = _TELLERS.get(event.type)
        said = list(teller(event.payload)) if teller is not None else [nothing("text")]
        if event.type == _DONE and len(ends) > 1:
            said = list(_one_of_many(said, is_last=event is ends[-1]))
        # Nothing in an event names its response; they come one after another.
        found += told(event, request_id, said, {**defaults, "messageId": f"response-{turn}"})
        turn += event.type == _DONE
    return found


def _one_of_many(said: Sequence[Said], *, is_last: bool) -> Iterator[Said]:
    """Each response is counted."""
    *before, (ending, fields) = said
    yield from before
    yield "text:usage", {"usage": fields["usage"]}
    if is_last:
        yield ending, fields
    else:
        yield "text:message:created", {"role": "assistant", "content": fields["content"], "toolCalls": fields["toolCalls"]}


def _model(payload: Payload) -> str | None:
    return name(_provider_data(mapping(payload.get("response"))).get("model")) or name(_provider_data(payload).get("model"))


def _provider_data(holder: Payload) -> Payload:
    return mapping(holder.get("providerData"))


def _started(_: Payload) -> Iterator[Said]:
    yield "text:request:started", {"streaming": True}


def _delta(payload: Payload) -> Iterator[Said]:
    yield "text:chunk:content", {"delta": payload.get("delta")}


def _done(payload: Payload) -> Iterator[Said]:
    response = mapping(payload.get("response"))
    output = objects(response.get("output"))
    for item in output:
        if item.get("type") == "hosted_tool_call":
            yield _hosted(item)
    calls = [call for item in output if (call := _asked(item)) is not None]
    yield (
        f"text:request:{_ending(response)}",
        {
            "responseId": response.get("id"),
            "content": _answer(output) or None,
            "images": [made for item in output for made in _images_of(item)] or None,
            "toolCalls": calls or None,
            "finishReason": _finish_reason(response, output, has_calls=bool(calls)),
            "usage": token_usage(response.get("usage")),
            "error": _error(response),
            "duration": payload.get("duration"),
            "timeToFirstChunk": payload.get("timeToFirstChunk"),
        },
    )


def _answer(output: Sequence[Payload]) -> str:
    parts = (part for item in output if _is_answer(item) for part in objects(item.get("content")))
    return "\n".join(words for part in parts if (words := _text_of(part)))


def _is_answer(item: Payload) -> bool:
    return item.get("type") == "message" or (item.get("type") is None and item.get("role") == "assistant")


def _text_of(part: Payload) -> str:
    """What a part of a message says in words: a text, a refusal, or what was spoken. `input_text` was asked, not answered."""
    if part.get("type") == "input_text":
        return ""
    words = (text(part.get(key)) for key in ("text", "refusal", "transcript"))
    return next((found for found in words if found), "")


def _images_of(item: Payload) -> list[dict[str, Any]]:
    """The images in a message, and the one that the provider's own tool made."""
    if item.get("type") == "hosted_tool_call" and item.get("name") == IMAGE_TOOL:
        data = _provider_data(item)
        made = image(item.get("output"), data.get("revised_prompt")) or image(data.get("result"), data.get("revised_prompt"))
        return [made] if made else []
    parts = objects(item.get("content")) if _is_answer(item) else ()
    found = (_image_part(part) for part in parts if part.get("type") == "image")
    return [made for made in found if made is not None]


def _image_part(part: Payload) -> dict[str, Any] | None:
    value = part.get("image")
    return image(value) or image(mapping(value).get("url"))


def _asked(item: Payload) -> dict[str, Any] | None:
    """A tool that the client is to run."""
    match item.get("type"):
        case "function_call":
            return tool_call(item.get("callId"), item.get("name"), item.get("arguments"))
        case "computer_call":
            action = item.get("action")
            return tool_call(item.get("callId"), "computer", item.get("actions") if action is None else action)
        case _:
            return None


def _hosted(item: Payload) -> Said:
    """A tool that the provider has run."""
    failed = item.get("status") == "failed"
    return "tools:call:completed", {
        "toolCallId": item.get("id"),
        "toolName": item.get("name"),
        "arguments": item.get("arguments"),
        "result": item.get("output"),
        "error": {"name": "failed", "message": "the provider's status is failed"} if failed else None,
    }


def _ending(response: Payload) -> str:
    return {"failed": "error", "cancelled": "aborted"}.get(str(_provider_data(response).get("status")), "completed")


def _error(response: Payload) -> dict[str, Any] | None:
    if _ending(response) != "error":
        return None
    error = mapping(_provider_data(response).get("error"))
    return {"name": error.get("code") or "provider_error", "message": error.get("message")}


def _finish_reason(response: Payload, output: Sequence[Payload], *, has_calls: bool) -> str | None:
    if _ending(response) != "completed":
        return None
    data = _provider_data(response)
    reason = name(mapping(data.get("incomplete_details")).get("reason"))
    if reason is not None:
        return _INCOMPLETE.get(reason, reason)
    if data.get("status") == "incomplete" or any(_is_answer(item) and item.get("status") == "incomplete" for item in output):
        return "incomplete"
    return "tool_calls" if has_calls else "stop"


_TELLERS: Final[Mapping[str, Callable[[Payload], Iterator[Said]]]] = {
    "response_started": _started,
    "output_text_delta": _delta,
    _DONE: _done,
}

OPENAI_AGENTS: Final = ForeignDialect(
    name="openai-agents",
    plugin_ids=("openai-agents",),
    stream_starts=frozenset({"response_started"}),
    stream_ends=frozenset({_DONE}),
    translate=translate,
)
