"""
What an endpoint answers and how it was asked, before it is bytes.

Flow: HTTP request -> **Ask** -> endpoint -> **Reply** -> HTTP response.
Pure: the server knows sockets, the endpoints know none.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

MARKER = re.compile(r"\[([a-z-]+)(?::(\d+))?\]")

DEFAULTS = {"slow": 20, "late": 200, "words": 6, "tools": 1, "error": 500, "flaky": 500, "break": 3, "drop": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request: its JSON (or form fields) and the markers that stood anywhere in it."""

    path: str
    body: Mapping[str, Any]
    markers: Mapping[str, int]
    is_retry: bool = False
    is_openrouter: bool = False

    def number(self, marker: str) -> int | None:
        return self.markers.get(marker)

    def has(self, marker: str) -> bool:
        return marker in self.markers

    @property
    def model(self) -> str:
        """The model asked for, without markers."""
        return MARKER.sub("", str(self.body.get("model") or "gpt-4o-mini"))

    @property
    def answering_model(self) -> str:
        """The dated name under which a provider answers."""
        return f"{self.model}-2024-07-18"

    def items(self, name: str) -> list[dict[str, Any]]:
        """The objects of a list in the body; none if it is something else."""
        return items_of(self.body.get(name))

    def mapping(self, name: str) -> dict[str, Any]:
        """An object in the body; empty if it is something else."""
        found: Any = self.body.get(name)
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

    @property
    def is_stream(self) -> bool:
        return self.body.get("stream") in (True, "true")


@dataclass(frozen=True, slots=True, kw_only=True)
class Json:
    """A JSON body."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """Bytes of a media type."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """A stream of server-sent events; `named` ones carry their type in the event line and have no [DONE]."""

    frames: Iterable[Mapping[str, Any]]
    named: bool
    error: Mapping[str, Any] | None = None
    """The frame of a stream that breaks, where it is not OpenAI's."""
    has_done: bool = True
    """Google's streams just end."""


Reply = Json | Binary | Frames


def items_of(value: Any) -> list[dict[str, Any]]:
    """The objects of what should be a list of objects."""
    entries = cast("list[Any]", value) if isinstance(value, list) else []
    return [entry for entry in entries if isinstance(entry, dict)]


def read_markers(text: str) -> dict[str, int]:
    """The markers of a text with their numbers."""
    return {name: int(number) if number else DEFAULTS.get(name, 1) for name, number in MARKER.findall(text)}


def strip_markers(text: str) -> str:
    """The text without its markers."""
    return " ".join(MARKER.sub("", text).split())


def error_body(status: int, message: str, code: str | None = None) -> dict[str, Any]:
    """An error as OpenAI's clients expect it."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def openrouter_error_body(status: int, message: str) -> dict[str, Any]:
    """An error as OpenRouter's client insists on it: the code is a number."""
    return {"error": {"code": status, "message": message}}


def google_error_body(status: int, message: str) -> dict[str, Any]:
    """An error as Google's client insists on it: the code is a number, the status a name."""
    return {"error": {"code": status, "message": message, "status": "INTERNAL" if status >= 500 else "RESOURCE_EXHAUSTED"}}


def words_of(text: str) -> list[str]:
    """A text in the pieces in which a stream sends it: words with their leading space."""
    return re.findall(r"\s*\S+", text)
