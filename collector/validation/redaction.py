"""
What must not be stored, by rules of the operator: taken out of an event before anything of it becomes a row.

Flow: decoding -> dialects -> **redaction** -> columns -> reductions -> storage. Each hit is listed in the row's `reduced`.
Without rules nothing of this runs. With rules an event none of them can concern is passed over by a look at its bytes.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, cast

PROTECTED: Final = frozenset({
    "type", "eventId", "requestId", "parentRequestId", "rootRequestId", "streamId", "messageId", "threadId", "runId",
    "toolCallId", "parentToolCallId", "jobId", "hookId", "timestamp", "sequence", "traceparent", "project", "pluginId", "id",
    "item_id", "itemId", "call_id", "callId", "response_id", "responseId", "$blob",
})  # fmt: skip
"""Names whose values hold events together: no rule changes them."""
MOST_NOTED: Final = 20
"""So many places of an event are listed one by one."""
_HASH_DIGITS: Final = 16

With = Literal["replace", "hash"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Texts that fit a pattern, or whole fields, or a pattern in fields."""

    name: str
    pattern: re.Pattern[str] | None = None
    fields: frozenset[str] = frozenset()
    """`userId` at any depth, or a path from the event's top without list indices: `messages.content`."""
    is_one: Callable[[str], bool] = field(default=lambda found: True)
    """A last look at what the pattern found, for instance a check digit."""
    marks: tuple[bytes, ...] = ()
    """Bytes one of which an event has that has something for this rule."""
    quick: re.Pattern[bytes] | None = None
    """The same, where it takes more than a look; tried on events with a mark."""
    use: With = "replace"

    def concerns(self, raw: bytes) -> bool:
        """Whether the event may have something for it. A text may be spelled with escapes: then nobody can tell from here."""
        if b"\\u" in raw:
            return True
        if self.fields and not any(f'"{name.rpartition(".")[2]}"'.encode() in raw for name in self.fields):
            return False
        if self.marks and not _has_one(raw, self.marks):
            return False
        return self.quick is None or self.quick.search(raw) is not None


def _has_one(raw: bytes, marks: tuple[bytes, ...]) -> bool:
    for mark in marks:  # noqa: SIM110  (a generator costs more than the search itself)
        if mark in raw:
            return True
    return False


class Redaction:
    """Rules, ready to be applied. `key` makes hashes that only its owner can tie to a value by trying."""

    def __init__(self, rules: Sequence[Rule], *, key: bytes = b"") -> None:
        self._rules = tuple(rules)
        self._key = key

    @cached_property
    def fingerprint(self) -> str:
        """Tells these rules from others, and nothing of what they say."""
        told = [
            (rule.name, rule.pattern.pattern if rule.pattern else None, sorted(rule.fields), rule.use) for rule in self._rules
        ]
        return hmac.new(b"rules\0" + self._key, repr(told).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def concerns(self, raw: bytes) -> bool:
        """Whether it is worth walking the event."""
        return any(rule.concerns(raw) for rule in self._rules)

    def redact(self, event: dict[str, Any], raw: bytes) -> list[str]:
        """Take out of `event`, in place, what the rules say; the places, each with its rule."""
        hits: list[str] = []
        for rule in self._rules:
            if rule.concerns(raw):
                self._walk(rule, event, "", "", hits)
        return hits if len(hits) <= MOST_NOTED else [*hits[:MOST_NOTED], f"{len(hits) - MOST_NOTED} more places"]

    def _walk(self, rule: Rule, node: Any, path: str, shown: str, hits: list[str]) -> None:
        if path == "chunks" and type(node) is list:
            self._redact_pack(rule, cast("list[Any]", node), hits)
        is_object = isinstance(node, dict)
        entries = list(cast("dict[Any, Any]", node).items() if is_object else enumerate(cast("list[Any]", node)))
        for key, value in entries:
            if key in PROTECTED and type(value) is str:
                continue
            inner = path if type(key) is int else f"{path}.{key}" if path else str(key)
            place = f"{shown}[{key}]" if type(key) is int else f"{shown}.{key}" if shown else str(key)
            if rule.pattern is None and self._is_named(rule, key, inner):
                if value is not None:
                    node[key] = self._instead(rule, value if type(value) is str else repr(value))
                    hits.append(f"{place}: {rule.name}")
            elif type(value) is dict or type(value) is list:
                self._walk(rule, value, inner, place, hits)
            elif type(value) is str and rule.pattern is not None and (not rule.fields or self._is_named(rule, key, inner)):
                changed = self._replaced(rule, value)
                if changed is not value:
                    node[key] = changed
                    hits.append(f"{place}: {rule.name}")

    def _is_named(self, rule: Rule, key: Any, path: str) -> bool:
        return path in rule.fields if type(key) is int else key in rule.fields or path in rule.fields

    def _replaced(self, rule: Rule, text: str) -> str:
        """The text itself where nothing fits."""
        assert rule.pattern is not None
        if rule.pattern.search(text) is None:
            return text
        changed = rule.pattern.sub(lambda found: self._instead(rule, found[0]) if rule.is_one(found[0]) else found[0], text)
        return text if changed == text else changed

    def _redact_pack(self, rule: Rule, chunks: list[Any], hits: list[str]) -> None:
        """Pieces of a stream in one event: what lies across pieces is found too, and stands where it began."""
        if rule.pattern is None or (rule.fields and not self._is_named(rule, "delta", "chunks.delta")):
            return
        objects = cast("list[dict[str, Any]]", [chunk for chunk in chunks if type(chunk) is dict])
        pieces = [chunk for chunk in objects if type(chunk.get("delta")) is str]
        text = "".join(piece["delta"] for piece in pieces)
        found = [(one.start(), one.end(), one[0]) for one in rule.pattern.finditer(text) if rule.is_one(one[0])]
        for start, end, value in reversed(found):
            _put(pieces, start, end, self._instead(rule, value))
        if found:
            hits.append(f"chunks: {rule.name}")

    def _instead(self, rule: Rule, value: str) -> str:
        if rule.use == "replace":
            return f"[{rule.name}]"
        digest = hmac.new(self._key, f"{rule.name}\0{value}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        return f"[{rule.name}:{digest[:_HASH_DIGITS]}]"


def _put(pieces: list[dict[str, Any]], start: int, end: int, instead: str) -> None:
    """Replace a stretch of the joined pieces: what stands instead goes to the piece in which it begins."""
    at = 0
    for piece in pieces:
        delta: str = piece["delta"]
        first, last = max(start - at, 0), min(end - at, len(delta))
        if first < last:
            piece["delta"] = delta[:first] + instead + delta[last:]
            instead = ""
        at += len(delta)
