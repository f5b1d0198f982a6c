"""
What was said in a call: the request as sent, the answer, the thinking, the tools, the media.

Flow: storage (call_story, call_pieces) -> dialects, assembly's readers -> **turns** -> templates/call/conversation.html.
Everything here was written by somebody else and is shown as text; long texts are cut with a way to the whole.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from collector.assembly.assembler import canonical_events
from collector.assembly.facts import Facts
from collector.assembly.gather import gather
from collector.assembly.messages import find_question, input_messages, system_instructions, tool_definitions
from collector.events import StoredEvent
from collector.fields import items, mapping, name, text
from collector.query.chunks import read_pieces
from collector.storage.protocols import Reader

MOST_EVENTS = 1000
MOST_EVENT_CHARS = 4_000_000
"""Larger events are left to the tab Events."""
MOST_PIECES = 3000
MOST_CHARS = 24_000
"""Of one text; the whole is a link away."""
MOST_TURNS = 40
MOST_REFS = 40
SHOWN_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"})

_SAID = ("messages", "systemPrompts", "tools", "prompt", "input", "text", "query", "question")
_CONTEXT = frozenset({
    "type", "eventId", "sequence", "timestamp", "requestId", "streamId", "messageId", "clientId", "source", "provider", "model",
    "threadId", "runId", "sessionId", "userId", "traceparent", "project", "tags", "duration", "messageCount", "toolNames",
    "hasTools", "streaming", "truncated", "parentRequestId", "parentToolCallId", "rootRequestId", "sampleRate", "service",
    *_SAID,
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A blob that an event refers to."""

    sha256: str
    media_type: str
    bytes: int | None
    where: str
    is_image: bool

    @property
    def url(self) -> str:
        """Where its bytes are."""
        return f"/v1/blobs/{self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a turn. `kind` is text, tool_call, tool_response, link, media or other."""

    kind: str
    text: str = ""
    chars: int = 0
    """Of the whole text, if it was cut here; else 0."""
    label: str = ""
    media: Media | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message."""

    role: str
    parts: tuple[Part, ...]
    note: str = ""
    """What the sender took out."""
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A call as people read it. Arrivals name the events that hold the whole."""

    system: tuple[Part, ...]
    offered_tools: tuple[tuple[str, str], ...]
    settings: str
    turns: tuple[Turn, ...]
    first_turn: int
    total_turns: int
    thinking: Part | None
    answers: tuple[Part, ...]
    answer_goes_on: bool
    media: tuple[Media, ...]
    cut: tuple[tuple[str, str], ...]
    """What the sender cut: (path, bytes)."""
    request_arrival: int | None
    answer_arrival: int | None
    is_windowed: bool

    @property
    def before(self) -> int | None:
        """Where earlier messages begin."""
        return max(0, self.first_turn - MOST_TURNS) if self.first_turn else None

    @property
    def after(self) -> int | None:
        """Where later messages begin."""
        end = self.first_turn + len(self.turns)
        return end if end < self.total_turns else None


def read_conversation(reader: Reader, project: str, request_id: str, *, first: int | None) -> Conversation:
    """The conversation of a call, `first` being the first message to show (None: the newest)."""
    story = list(reader.call_story(project, request_id, limit=MOST_EVENTS, max_chars=MOST_EVENT_CHARS))
    story = _with_refs(reader, project, story)
    facts = gather(canonical_events(story, request_id)) if story else Facts()
    turns = _turns(facts)
    begin = max(0, len(turns) - MOST_TURNS) if first is None else max(0, min(first, len(turns)))
    terminal = facts.terminals[-1] if facts.terminals else None
    answers, goes_on = _answers(reader, project, request_id, terminal)
    thinking = read_pieces(reader, project, request_id, limit=MOST_PIECES, kind="thinking").pieces
    return Conversation(
        system=tuple(_cut(mapping(part).get("content")) for part in _loaded(system_instructions(facts))),
        offered_tools=tuple(_offered(_loaded(tool_definitions(facts)))),
        settings=_settings(facts),
        turns=tuple(turns[begin : begin + MOST_TURNS]),
        first_turn=begin,
        total_turns=len(turns),
        thinking=_cut("".join(piece.delta for piece in thinking)) if thinking else None,
        answers=answers,
        answer_goes_on=goes_on,
        media=_media_of_answer(story, turns),
        cut=tuple(_cuts(story)),
        request_arrival=None if facts.started is None else facts.started.arrival,
        answer_arrival=None if terminal is None else terminal.arrival,
        is_windowed=len(story) >= MOST_EVENTS,
    )


def find_media(events: Iterable[StoredEvent]) -> tuple[Media, ...]:
    """Every blob that the events refer to, each once."""
    found: dict[str, Media] = {}
    for event in events:
        for media in _blobs(event.payload, event.type):
            found.setdefault(media.sha256, media)
    return tuple(found.values())


def _media_of_answer(story: Sequence[StoredEvent], turns: Sequence[Turn]) -> tuple[Media, ...]:
    """What the call made, not what it was given."""
    given = {part.media.sha256 for turn in turns for part in turn.parts if part.media is not None}
    return tuple(media for media in find_media(story) if media.sha256 not in given)


def _blobs(value: object, where: str) -> Iterable[Media]:
    stack: list[tuple[object, str]] = [(value, where)]
    while stack:
        one, path = stack.pop()
        fields = mapping(one)
        media = _media(fields, path) if "$blob" in fields else None
        if media is not None:
            yield media
            continue
        inner = [(item, f"{path} · {key}" if path == where else f"{path}.{key}") for key, item in fields.items()]
        inner += [(item, f"{path}[{n}]") for n, item in enumerate(items(one))]
        stack += reversed(inner)


_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


def _media(blob: Mapping[str, Any], where: str) -> Media | None:
    found = _DIGEST.fullmatch(str(blob.get("$blob", "")))
    if found is None:
        return None
    kind = str(blob.get("mediaType") or "application/octet-stream").partition(";")[0].strip().lower()
    size = blob.get("bytes")
    is_image = kind in SHOWN_IMAGES
    return Media(
        sha256=found[1], media_type=kind, bytes=size if isinstance(size, int) else None, where=where[:200], is_image=is_image
    )


def _with_refs(reader: Reader, project: str, story: Sequence[StoredEvent]) -> list[StoredEvent]:
    """The events with messages that are stored elsewhere put back, as far as they are stored."""
    left = MOST_REFS
    resolved: list[StoredEvent] = []
    for event in story:
        messages = items(event.payload.get("messages"))
        if left and any(name(mapping(message).get("ref")) for message in messages):
            filled: list[Any] = []
            for message in messages:
                ref = name(mapping(message).get("ref"))
                left -= bool(ref)
                filled.append(_resolved(reader, project, message, ref) if ref and left >= 0 else message)
            left = max(left, 0)
            resolved.append(replace(event, payload={**event.payload, "messages": filled}))
        else:
            resolved.append(event)
    return resolved


def _resolved(reader: Reader, project: str, message: Mapping[str, Any], ref: str) -> Mapping[str, Any]:
    digest = _DIGEST.fullmatch(ref)
    blob = reader.blob(project, digest[1]) if digest else None
    if blob is None:
        return {"role": message.get("role"), "content": f"[stored once as {ref}, and not here]"}
    content = blob[1].decode("utf-8", "replace")
    try:
        loaded = json.loads(content)
    except ValueError:
        return {"role": message.get("role"), "content": content}
    return {**message, **mapping(loaded)} if mapping(loaded) else {"role": message.get("role"), "content": loaded}


def _turns(facts: Facts) -> list[Turn]:
    cuts = _cut_messages(facts)
    turns = [
        Turn(role=str(message.get("role") or "user"), parts=_parts(message), note=cuts.get(n, ""), n=n)
        for n, message in enumerate(map(mapping, _loaded(input_messages(facts))))
    ]
    if turns:
        return turns
    asked = find_question(facts)
    return [Turn(role="request", parts=(_cut(asked),))] if asked else []


def _cut_messages(facts: Facts) -> dict[int, str]:
    """Message number -> what the sender took out of it."""
    told = mapping(None if facts.started is None else facts.started.payload.get("truncated"))
    notes: dict[int, str] = {}
    for path, size in told.items():
        found = re.match(r"messages\[(\d+)\]", str(path))
        if found:
            notes[int(found[1])] = f"{size:,} bytes were cut out of the middle by the sender" if isinstance(size, int) else "cut"
    return notes


def _parts(message: Mapping[str, Any]) -> tuple[Part, ...]:
    return tuple(_part(mapping(part)) for part in items(message.get("parts")))


def _part(part: Mapping[str, Any]) -> Part:
    kind = part.get("type")
    if kind == "text":
        return _cut(part.get("content"))
    if kind == "tool_call":
        return replace(_cut(pretty(part.get("arguments"))), kind="tool_call", label=str(part.get("name") or part.get("id") or ""))
    if kind == "tool_call_response":
        return replace(_cut(pretty(part.get("response"))), kind="tool_response", label=str(part.get("id") or ""))
    if kind == "uri":
        return replace(_cut(part.get("uri")), kind="link")
    if kind == "blob":
        media = _media({"$blob": part.get("content"), "mediaType": part.get("mime_type")}, "message")
        return Part(kind="media", media=media) if media else Part(kind="other", text="media that can't be read")
    return replace(_cut(pretty(part.get("content"))), kind="other", label=str(kind or ""))


def _answers(reader: Reader, project: str, request_id: str, terminal: StoredEvent | None) -> tuple[tuple[Part, ...], bool]:
    """The answers, one a choice, and whether the stream has more than was read."""
    told = mapping(None if terminal is None else terminal.payload)
    choices = [one for one in items(told.get("choiceContents")) if isinstance(one, str)]
    whole = choices or [one for one in (told.get("content"), told.get("text")) if isinstance(one, str) and one][:1]
    if whole:
        return tuple(map(_cut, whole)), False
    window = read_pieces(reader, project, request_id, limit=MOST_PIECES, kind="content")
    by_choice: dict[tuple[str | None, int], list[str]] = {}
    for piece in window.pieces:
        by_choice.setdefault((piece.message_id, piece.choice), []).append(piece.delta)
    if by_choice:
        return tuple(_cut("".join(texts)) for texts in by_choice.values()), window.next_window is not None
    output = told.get("output")
    return ((_cut(output) if isinstance(output, str) else replace(_cut(pretty(output)), kind="other"),) if output else ()), False


def _offered(tools: Sequence[Any]) -> Iterable[tuple[str, str]]:
    for tool in tools[:200]:
        fields = mapping(tool)
        label = (
            name(fields.get("name")) or name(mapping(fields.get("function")).get("name")) or name(fields.get("type")) or "tool"
        )
        yield label, pretty(tool)[:4000]


def _settings(facts: Facts) -> str:
    """What else the request said: temperature and the like."""
    payload = mapping(None if facts.started is None else facts.started.payload)
    rest = {key: value for key, value in payload.items() if key not in _CONTEXT and value not in (None, {}, [], "")}
    for key in ("options", "modelOptions"):
        options = {inner: value for inner, value in mapping(rest.get(key)).items() if inner not in {"tools", "messages", "input"}}
        if key in rest:
            rest[key] = options
    return pretty({key: value for key, value in rest.items() if value != {}})[:8000] if rest else ""


def _cuts(story: Sequence[StoredEvent]) -> Iterable[tuple[str, str]]:
    for event in story:
        for path, size in list(mapping(event.payload.get("truncated")).items())[:20]:
            yield f"{event.type} · {path}"[:200], f"{size:,} bytes" if isinstance(size, int) else "cut"


def _cut(value: object) -> Part:
    whole = text(value) if isinstance(value, str) else pretty(value)
    whole = whole or ""
    if len(whole) <= MOST_CHARS:
        return Part(kind="text", text=whole)
    return Part(kind="text", text=whole[:MOST_CHARS], chars=len(whole))


def pretty(value: object) -> str:
    """JSON for people; a string that is JSON is read first, any other stays as it is."""
    if isinstance(value, str):
        try:
            loaded = json.loads(value) if value[:1] in "{[" and len(value) < 200_000 else None
        except ValueError:
            return value
        return value if loaded is None else json.dumps(loaded, ensure_ascii=False, indent=2)
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _loaded(told: str | None) -> list[Any]:
    return cast("list[Any]", json.loads(told)) if told else []
