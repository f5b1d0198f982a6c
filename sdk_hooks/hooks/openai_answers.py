"""
Read what openai answered into the fields of a terminal event.

Flow: SDK object -> **plain copies** (caller's thread) -> **fields of `<activity>:request:completed`** (emitter's thread).
`take_*` copies strings and numbers out of an SDK object and lets it go; `completed_*` gives them their names.
An attribute that an object lacks is None here: an unknown shape is recorded as unknown, not guessed.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from sdk_hooks.hooks.openai_parts import no_thoughts, parts_of, thought_in
from sdk_hooks.hooks.stainless.answers import (
    NOTHING,
    SCALARS,
    Answer,
    Event,
    Given,
    Plain,
    camel,
    completed_by,
    fields_of,
    get,
    is_unset,
    plain,
    take_usage,
)

MAX_AUDIO_BYTES = 4 * 1024 * 1024


TOTALS = {
    "prompt_tokens": "promptTokens",
    "input_tokens": "promptTokens",
    "completion_tokens": "completionTokens",
    "output_tokens": "completionTokens",
    "total_tokens": "totalTokens",
    "cost": "cost",
}
DETAILS = {
    "prompt_tokens_details": "promptTokensDetails",
    "input_tokens_details": "promptTokensDetails",
    "input_token_details": "promptTokensDetails",
    "completion_tokens_details": "completionTokensDetails",
    "output_tokens_details": "completionTokensDetails",
    "output_token_details": "completionTokensDetails",
}


def token_usage(usage: Mapping[str, Any] | None) -> Event:
    """A provider's usage under TanStack's names; what has no name there is kept in `providerUsageDetails`."""
    told: Event = {}
    other: Event = {}
    for name, value in (usage or {}).items():
        if value is None or (type(value) not in SCALARS and is_unset(value)):
            continue
        known = TOTALS.get(name)
        if known is not None:
            told[known] = value
        elif name in DETAILS and type(value) is dict:
            details = cast("Event", value)
            told[DETAILS[name]] = {
                camel(inner): count if type(count) in SCALARS else plain(count)
                for inner, count in details.items()
                if count is not None and (type(count) in SCALARS or not is_unset(count))
            }
        else:
            other[name] = plain(value)
    if other:
        told["providerUsageDetails"] = other
    return told


completed = completed_by(token_usage)
"""The fields of a terminal event."""


# -- chat -----------------------------------------------------------------------------------------------------------------


def take_chat(completion: Any) -> Answer:
    """A chat completion, or an older text completion, whose choices have `text`."""
    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[Event] = []
    reasons: list[str | None] = []
    for choice in completion.choices or ():
        message = getattr(choice, "message", None)
        content = getattr(message, "content", None) or get(message, "refusal") or get(choice, "text") or ""
        text, thought = (content, "") if isinstance(content, str) else parts_of(content)
        texts.append(text)
        thoughts.append(thought or thought_in(getattr(message, "__pydantic_extra__", None)))
        reasons.append(choice.finish_reason)
        for call in getattr(message, "tool_calls", None) or ():
            calls.append(tool_call(call))
    fields: Event = {"responseModel": completion.model, "responseId": completion.id, "content": texts[0] if texts else ""}
    if thoughts and thoughts[0]:
        fields["reasoning"] = thoughts[0]
    if len(texts) > 1:
        fields["choiceContents"] = texts
    if calls:
        fields["toolCalls"] = calls
    if len(reasons) == 1 and reasons[0]:
        fields["finishReason"] = reasons[0]
    else:
        fields |= finish_fields(reasons)
    return Answer(fields, take_usage(completion.usage))


PLAIN_REASONS = frozenset(("stop", "length", "content_filter"))


def plain_chat(completion: Any, also: tuple[str, ...] = ()) -> Plain | None:
    """
    A completion that is one choice of text, read at once: nearly every one is. None: `take_chat` reads it.

    `also`: what else a message must not have.
    """
    try:
        told = completion.__dict__
        (only,) = told["choices"]
        choice = only.__dict__
        extra = choice["message"].__pydantic_extra__
        message = choice["message"].__dict__
        text, reason = message["content"], choice["finish_reason"]
        if extra and not no_thoughts(extra):
            return None
        if type(text) is not str or not text or reason not in PLAIN_REASONS or type(message.get("tool_calls")) not in NOTHING:
            return None
        for name in also:
            if type(message.get(name)) not in NOTHING:
                return None
        return told["model"], told["id"], text, reason, take_usage(told["usage"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def has_failed(fields: Event) -> bool:
    """Whether a choice ended with an error that came as an answer."""
    return fields.get("finishReason") == "error" or "error" in fields.get("finishReasons", ())


def tool_call(call: Any) -> Event:
    function = get(call, "function")
    if function is not None:
        return {"id": call.id, "type": "function", "function": {"name": function.name, "arguments": function.arguments}}
    custom = get(call, "custom")
    return {"id": call.id, "type": "custom", "function": {"name": get(custom, "name"), "arguments": get(custom, "input")}}


def finish_fields(reasons: list[str | None]) -> Event:
    """`finishReason` is choice 0's; the list only where there are several."""
    fields: Event = {"finishReason": reasons[0]} if reasons and reasons[0] else {}
    if len(reasons) > 1:
        fields["finishReasons"] = reasons
    return fields


# -- responses ------------------------------------------------------------------------------------------------------------


class Image(NamedTuple):
    """An image that a response made: a call of its own."""

    item_id: str
    b64: str | None
    status: str | None
    prompt: str | None
    usage: Event | None


def take_response(response: Any) -> tuple[Answer, list[Image]]:
    """A response's text and tools, and its images."""
    texts: list[str] = []
    calls: list[Event] = []
    images: list[Image] = []
    for item in get(response, "output") or ():
        kind = get(item, "type")
        if kind == "message":
            texts += [get(part, "text") or get(part, "refusal") or "" for part in get(item, "content") or ()]
        elif kind in ("function_call", "custom_tool_call"):
            calls.append(response_tool_call(item))
        elif kind == "image_generation_call":
            images.append(take_image_item(item))
    fields: Event = {"responseModel": get(response, "model"), "responseId": get(response, "id"), "content": "".join(texts)}
    if calls:
        fields["toolCalls"] = calls
    reason = response_finish(response, bool(calls))
    if reason:
        fields["finishReason"] = reason
    return Answer(fields, take_usage(get(response, "usage"))), images


def plain_response(response: Any) -> Plain | None:
    """A completed response that is one message of one text, perhaps after reasoning. None: `take_response` reads it."""
    try:
        told = response.__dict__
        *before, last = told["output"]
        message = last.__dict__
        (part,) = message["content"]
        text = part.__dict__["text"]
        if told["status"] != "completed" or message["type"] != "message" or type(text) is not str:
            return None
        if any(item.type != "reasoning" for item in before):
            return None
        return told["model"], told["id"], text, "stop", take_usage(told["usage"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def response_tool_call(item: Any) -> Event:
    is_custom = item.type == "custom_tool_call"
    arguments = get(item, "input" if is_custom else "arguments")
    kind = "custom" if is_custom else "function"
    return {"id": item.call_id, "type": kind, "function": {"name": item.name, "arguments": arguments or ""}}


def take_image_item(item: Any) -> Image:
    return Image(item.id, get(item, "result"), get(item, "status"), get(item, "revised_prompt"), take_usage(get(item, "usage")))


def image_answer(image: Image) -> Answer:
    found = {"b64Json": image.b64, "revisedPrompt": image.prompt}
    return Answer({"images": [{name: value for name, value in found.items() if value}] if image.b64 else []}, image.usage)


INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}


def response_finish(response: Any, has_calls: bool) -> str | None:
    """A response has a status where a chat has a finish reason; told in the chat's words."""
    status = get(response, "status")
    if status == "completed":
        return "tool_calls" if has_calls else "stop"
    if status == "incomplete":
        reason = get(get(response, "incomplete_details"), "reason")
        return INCOMPLETE.get(reason, reason)
    return None


# -- media ----------------------------------------------------------------------------------------------------------------


def take_images(response: Any) -> Answer:
    images: list[Event] = []
    for image in get(response, "data") or ():
        found = {"url": get(image, "url"), "b64Json": get(image, "b64_json"), "revisedPrompt": get(image, "revised_prompt")}
        images.append({name: value for name, value in found.items() if value is not None})
    return Answer({"images": images}, take_usage(get(response, "usage")))


def take_embeddings(response: Any) -> Answer:
    data = response.data
    fields: Event = {"responseModel": response.model, "embeddingCount": len(data)}
    first: Any = data[0].embedding if data else None
    if isinstance(first, list):
        fields["dimensions"] = len(cast("list[Any]", first))
    elif isinstance(first, str):
        # Base64 of four-byte floats, as the host asked for it.
        fields["dimensions"] = len(first.rstrip("=")) * 3 // 4 // 4
    return Answer(fields, take_usage(get(response, "usage")))


def take_speech(binary: Any) -> Answer:
    response = get(binary, "response") or binary
    return speech_answer(response.content, response.headers.get("content-type"))


def speech_answer(content: bytes, content_type: str | None) -> Answer:
    """The bytes by reference; `completed_speech` makes them base64."""
    return Answer({"audio": content, "contentType": content_type}, None)


def completed_speech(answer: Given) -> Event:
    fields = completed(answer)
    content = fields.get("audio")
    if isinstance(content, bytes):
        kind = str(fields.get("contentType") or "").split(";")[0]
        fields = fields | {"format": {"audio/mpeg": "mp3"}.get(kind, kind.rpartition("/")[2]), "audio": ""}
        if len(content) > MAX_AUDIO_BYTES:
            fields["truncated"] = {"audio": len(content)}
        else:
            fields["audio"] = b64encode(content).decode()
    return fields


def take_transcription(result: Any) -> Answer:
    if isinstance(result, str):
        return Answer({"text": result}, None)
    fields: Event = {"text": get(result, "text") or ""}
    if isinstance(get(result, "language"), str):
        fields["language"] = result.language
    return Answer(fields, take_usage(get(result, "usage")))


def transcription_answer(content: bytes, content_type: str) -> Answer | None:
    """A transcription that the host wanted as plain text or subtitles."""
    return Answer({"text": content.decode("utf-8", "replace")}, None) if content_type.startswith("text/") else None


def take_moderation(response: Any) -> Answer:
    results = response.results
    names: set[str] = set()
    for result in results:
        categories: Mapping[str, Any] = fields_of(result.categories)
        names.update(name for name, is_hit in categories.items() if is_hit is True)
    flagged = any(result.flagged for result in results)
    fields: Event = {"responseModel": response.model, "responseId": response.id, "flagged": flagged, "categories": sorted(names)}
    return Answer(fields, None)
