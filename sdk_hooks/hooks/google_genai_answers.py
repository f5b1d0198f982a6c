"""
What Google answered, out of the JSON text of its answers.

Flow: JSON text (kept in the caller's thread) -> **pieces, fields of the terminal event** (emitter's thread).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sdk_hooks.hooks.stainless.answers import Answer, Event, completed_by
from sdk_hooks.hooks.stainless.asked import items, mapping
from sdk_hooks.packing import Delta


def _open(body: Any) -> Mapping[str, Any]:
    """The JSON of a body; nothing if it is none."""
    try:
        return mapping(json.loads(body))
    except (TypeError, ValueError):
        return {}


class WholeRead:
    """A whole answer that is still to be read."""

    __slots__ = ("_body", "_read")

    def __init__(self, read: Callable[[Any], Answer], body: Any) -> None:
        self._read = read
        self._body = body

    def answer(self) -> Answer:
        return self._read(_open(self._body))


class StreamRead:
    """What a stream's bodies say, read one by one in the emitter's thread; of the last one the caller's thread knows, too."""

    __slots__ = ("_counted", "_ending", "_pictures", "_tools", "last")

    def __init__(self) -> None:
        self.last: Any = None
        self._counted: Mapping[str, Any] = {}
        self._ending: Mapping[str, Any] = {}
        self._pictures: list[Event] = []
        self._tools = 0

    def has_finished(self) -> bool:
        """Whether the last body says why it is the last."""
        return isinstance(self.last, str) and _says_why(self.last)

    def answer(self) -> Answer:
        """What the pieces do not say: the stream's end, its counts, its pictures."""
        # Of a call that is not sampled no body was read.
        last: Mapping[str, Any] = {} if self._counted or self._ending else _open(self.last)
        counted, ending = self._counted or last, self._ending or last
        fields = _head(ending or counted) | _finish(ending)
        if self._pictures:
            fields["images"] = self._pictures
        return Answer(fields, _usage(counted))

    def pieces(self, unread: Any) -> Iterator[Delta]:
        """Those of the next body."""
        body = _open(unread)
        said: str = unread if isinstance(unread, str) else json.dumps(body)
        if _says_why(said):
            self._ending = body
        # Counts are of the whole answer so far.
        if "usageMetadata" in body:
            self._counted = body
        if '"inlineData"' in said:
            self._pictures += [picture for part in _parts(body) for picture in _picture(part)]
        message_id = body.get("responseId")
        for choice, candidate in enumerate(items(body.get("candidates"))):
            for part in items(mapping(mapping(candidate).get("content")).get("parts")):
                yield from self._pieces(mapping(part), int(mapping(candidate).get("index") or choice), message_id)

    def _pieces(self, part: Mapping[str, Any], choice: int, message_id: str | None) -> Iterator[Delta]:
        if part.get("text"):
            yield ("thinking" if part.get("thought") else "content", part["text"], choice, message_id)
        elif "functionCall" in part:
            call = mapping(part["functionCall"])
            # Gemini sends a call whole, often without an id; the next one is another call.
            yield ("tool-call", _arguments(call), choice, message_id, call.get("id"), call.get("name"), self._tools)
            self._tools += 1


def _says_why(body: str) -> bool:
    # In a text these would have their quotes escaped.
    return '"finishReason"' in body or '"blockReason"' in body


# -- whole answers --------------------------------------------------------------------------------------------------------


def read_text(body: Mapping[str, Any]) -> Answer:
    """Text, thoughts, tools and pictures of the first candidate; the texts of all where there are several."""
    parts = _parts(body)
    fields = _head(body) | _finish(body) | {"content": _text(parts, is_thought=False)}
    thoughts = _text(parts, is_thought=True)
    if thoughts:
        fields["reasoning"] = thoughts
    calls = [mapping(part["functionCall"]) for part in parts if "functionCall" in part]
    if calls:
        fields["toolCalls"] = [_tool_call(call, number) for number, call in enumerate(calls)]
    pictures = [picture for part in parts for picture in _picture(part)]
    if pictures:
        fields["images"] = pictures
    candidates = items(body.get("candidates"))
    if len(candidates) > 1:
        fields["choiceContents"] = [_text(_parts(body, number), is_thought=False) for number in range(len(candidates))]
    return Answer(fields, _usage(body))


def read_images(body: Mapping[str, Any]) -> Answer:
    images: list[Event] = []
    for entry in items(body.get("predictions")):
        told = mapping(entry)
        found = {"b64Json": told.get("bytesBase64Encoded"), "url": told.get("gcsUri")}
        image = {name: value for name, value in found.items() if value}
        # Others tell of safety, or why a picture was held back.
        if image:
            images.append(image | ({"revisedPrompt": told["prompt"]} if told.get("prompt") else {}))
    return Answer({"images": images}, _usage(body))


def read_embeddings(body: Mapping[str, Any]) -> Answer:
    predicted = [mapping(mapping(entry).get("embeddings")) for entry in items(body.get("predictions"))]
    found = predicted or [mapping(entry) for entry in items(body.get("embeddings")) or items([body.get("embedding")])]
    fields: Event = {"embeddingCount": len(found)}
    if found:
        fields["dimensions"] = len(items(found[0].get("values")))
    counts = [count for entry in predicted if (count := mapping(entry.get("statistics")).get("token_count")) is not None]
    return Answer(fields, _usage(body) or ({"promptTokenCount": int(sum(counts))} if counts else None))


def _head(body: Mapping[str, Any]) -> Event:
    names = {"responseModel": "modelVersion", "responseId": "responseId"}
    return {ours: body[theirs] for ours, theirs in names.items() if body.get(theirs)}


def _finish(body: Mapping[str, Any]) -> Event:
    """In lower case, like everybody else's. A prompt that was refused has no candidates."""
    reasons = [str(reason).lower() for entry in items(body.get("candidates")) if (reason := mapping(entry).get("finishReason"))]
    refused = mapping(body.get("promptFeedback")).get("blockReason")
    if not reasons:
        return {"finishReason": str(refused).lower()} if refused else {}
    return {"finishReason": reasons[0], **({"finishReasons": reasons} if len(reasons) > 1 else {})}


def _parts(body: Mapping[str, Any], number: int = 0) -> list[Mapping[str, Any]]:
    candidate = next(iter(items(body.get("candidates"))[number:]), None)
    return [mapping(part) for part in items(mapping(mapping(candidate).get("content")).get("parts"))]


def _text(parts: list[Mapping[str, Any]], *, is_thought: bool) -> str:
    return "".join(str(part["text"]) for part in parts if "text" in part and bool(part.get("thought")) == is_thought)


def _picture(part: Mapping[str, Any]) -> Iterator[Event]:
    data = mapping(part.get("inlineData"))
    if str(data.get("mimeType")).startswith("image/"):
        yield {"b64Json": data.get("data"), "mediaType": data["mimeType"]}


def _tool_call(call: Mapping[str, Any], number: int) -> Event:
    function = {"name": call.get("name"), "arguments": _arguments(call)}
    return {"id": call.get("id") or f"{call.get('name')}-{number}", "type": "function", "function": function}


def _arguments(call: Mapping[str, Any]) -> str:
    return json.dumps(call.get("args") or {}, ensure_ascii=False)


# -- usage ----------------------------------------------------------------------------------------------------------------


TOLD = frozenset(("promptTokenCount", "candidatesTokenCount", "totalTokenCount", "cachedContentTokenCount", "thoughtsTokenCount"))


def _usage(body: Mapping[str, Any]) -> Event | None:
    return dict(mapping(body.get("usageMetadata"))) or None


def token_usage(usage: Event | None) -> Event:
    """
    Totals: what tools put into the prompt is input, thoughts are output. Google leaves out a count that is zero.
    """
    counts = {name: count for name, count in (usage or {}).items() if type(count) is int}
    told: Event = {}
    asked = counts.get("promptTokenCount")
    if asked is not None:
        asked += counts.get("toolUsePromptTokenCount", 0)
        told["promptTokens"] = asked
    written, thought = counts.get("candidatesTokenCount"), counts.get("thoughtsTokenCount")
    total = counts.get("totalTokenCount")
    if written is not None or thought is not None:
        told["completionTokens"] = (written or 0) + (thought or 0)
    elif asked is not None and total is not None:
        told["completionTokens"] = max(0, total - asked)
    if total is not None:
        told["totalTokens"] = total
    elif asked is not None and "completionTokens" in told:
        told["totalTokens"] = asked + told["completionTokens"]
    if "cachedContentTokenCount" in counts:
        told["promptTokensDetails"] = {"cachedTokens": counts["cachedContentTokenCount"]}
    if thought is not None:
        told["completionTokensDetails"] = {"reasoningTokens": thought}
    own = {name: value for name, value in (usage or {}).items() if name not in TOLD}
    return told | {"providerUsageDetails": own} if own else told


completed = completed_by(token_usage)
"""The fields of a terminal event."""
