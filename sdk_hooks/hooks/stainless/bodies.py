"""
Read an answer out of the bytes that the host read raw.

Flow: bytes (caller's thread) -> **Body** -> fields of the terminal event (emitter's thread).
The same readers as for SDK objects: JSON objects stand in for them, with None for every attribute they lack.
"""

import json
from time import perf_counter_ns
from typing import Any, cast

from sdk_hooks.hooks.stainless.answers import Answer, Event, Given, answer_of
from sdk_hooks.hooks.stainless.endpoints import Endpoint, Sdk
from sdk_hooks.packing import Packer

MAX_BODY_BYTES = 8 * 1024 * 1024
LAST_BYTES = 4096


class Thing:
    """A JSON object with its members as attributes."""

    def __init__(self, members: dict[str, Any]) -> None:
        self.__dict__.update(members)

    @property
    def __pydantic_extra__(self) -> dict[str, Any]:
        """Where a provider's own members are."""
        return self.__dict__

    def __getattr__(self, name: str) -> None:
        return None


class Body:
    """What was read of a body so far; too much of it is not kept."""

    __slots__ = ("_bytes", "_kept", "_sdk", "_start_ns", "content_type", "endpoint", "is_stream", "waited_ns")

    def __init__(self, sdk: Sdk, endpoint: Endpoint, content_type: str | None, *, is_stream: bool, start_ns: int) -> None:
        self._sdk = sdk
        self._start_ns = start_ns
        self.endpoint = endpoint
        self.content_type = content_type or ""
        self.is_stream = is_stream
        self.waited_ns: int | None = None
        self._kept: list[bytes] = []
        self._bytes = 0

    def add(self, piece: bytes) -> None:
        if self.waited_ns is None:
            self.waited_ns = perf_counter_ns() - self._start_ns
        self._bytes += len(piece)
        if self._bytes <= MAX_BODY_BYTES:
            self._kept.append(piece)

    def last(self) -> bytes:
        """The body's end."""
        return b"".join(self._kept[-8:])[-LAST_BYTES:]

    def is_whole(self) -> bool:
        """Whether what came is a whole answer, though the host did not read on to the very end."""
        if not self.is_stream:
            return False
        content = b"".join(self._kept)
        return any(frame in content for frame in self._sdk.last_frames)

    def failure(self) -> tuple[str, str] | None:
        """Name and message where the answer says that it failed; told by the bytes: the caller's thread must not parse."""
        if not self.is_stream:
            return self.endpoint.failure(b"".join(self._kept))
        last = self.last()
        name = next((name for frame, name in self._sdk.failed_frames.items() if frame in last), None)
        return None if name is None else (name, "the provider ended the answer with an error")

    def answer(self) -> Answer | None:
        """The answer in the bytes. For the emitter's thread."""
        if self._bytes > MAX_BODY_BYTES:
            return None
        content = b"".join(self._kept)
        if self.is_stream:
            answer = _read_stream(self.endpoint, content)
            first = {} if self.waited_ns is None else {"timeToFirstChunk": self.waited_ns / 1e6}
            return Answer(answer.fields | first, answer.usage)
        if "json" in self.content_type:
            try:
                whole = json.loads(content, object_hook=Thing)
            except ValueError:
                # Cut off where the host stopped reading, or as it was compressed.
                return None
            probe = _Probe()
            self.endpoint.end(cast("Any", probe), whole)
            return probe.read()
        return self.endpoint.read_bytes(content, self.content_type)


def _read_stream(endpoint: Endpoint, content: bytes) -> Answer:
    probe = _Probe()
    notes = endpoint.notes(cast("Any", probe))
    for line in content.decode("utf-8", "replace").splitlines():
        data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
        if data.startswith("{"):
            try:
                notes.item(json.loads(data, object_hook=Thing))
            except ValueError:
                # Cut off where the host stopped reading.
                break
    notes.left()
    packer = Packer("")
    packer.pack(probe.pieces, 0, 0.0)
    seen: Event = packer.seen()
    answer = probe.read() or Answer({}, None)
    return Answer(seen | answer.fields, answer.usage)


class _Probe:
    """Takes the place of a call where only the answer is wanted."""

    def __init__(self) -> None:
        self.pieces: list[Any] = []
        self.append = self.pieces.append
        self.answer: Given = None
        self.message_id: str | None = None
        self.start_ns = 0

    @property
    def has_ended(self) -> bool:
        return self.answer is not None

    def complete(self, answer: Given) -> None:
        self.answer = self.answer or answer

    abort = complete

    def fail(self, error: Any = None, *, response: Given = None, **_: Any) -> None:
        self.answer = self.answer or response

    def read(self) -> Answer | None:
        """What it was given is what a call is given: some of it is still to be read."""
        return answer_of(self.answer)

    def child(self, *_: Any, **__: Any) -> None:
        """An image in a raw answer stays in the bytes: its call would begin after its end."""
