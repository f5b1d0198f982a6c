"""
Spans as lines of JSON in a file, for those who want to read them without a backend.

Flow: pipeline -> **JsonlExporter** -> a file. A line is written whole and synced, or taken back.
"""

import fcntl
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from collector.errors import WrongSettings
from collector.events import Resource
from collector.exporters.cleaning import clean_attributes, clean_text, clean_times
from collector.exporters.protocol import Later, Outcome, Sent
from collector.spans import Span

LINE_BEGINS = b'{"trace_id":"'
MAX_LINE_BYTES = 8 * 1024 * 1024
"""More than any line of ours has: see `cleaning.MAX_SPAN_CHARS`."""


class JsonlExporter:
    """Appends to one file; several processes may. Rotating it is left to those who know how: it may be moved away at any time."""

    destination = "jsonl"
    rejected_spans = 0
    longest_send_s = 10.0

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(self._open())
        except OSError as exc:
            raise WrongSettings(f"HOOKLINE_EXPORT_JSONL: can't write {path}: {exc.strerror}.") from None
        if not path.is_file():
            raise WrongSettings(f"HOOKLINE_EXPORT_JSONL: {path} is no regular file: what it takes can't be taken back.")

    def encode(self, span: Span) -> bytes:
        return encode_line(span)

    def send(self, resource: Resource, spans: Sequence[bytes]) -> list[Outcome]:
        told = _json(clean_attributes(resource.attributes))
        lines = b"".join(span[:-1] + b',"resource":' + told + b"}\n" for span in spans)
        try:
            self._append(lines)
        except OSError as exc:
            return [Later(reason=f"can't write {self._path.name}: {exc.strerror}")] * len(spans)
        return [Sent()] * len(spans)

    def wind_down(self) -> None:
        """A send is one write: there is nothing that need not be begun."""

    def close(self) -> None:
        """Nothing is kept open: the file may be moved away at any time."""

    def _open(self) -> int:
        # Spans may hold what people wrote.
        return os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)

    def _append(self, lines: bytes) -> None:
        file = self._open()
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = _cut_torn_line(file, os.fstat(file).st_size)
            try:
                written = 0
                while written < len(lines):
                    written += os.write(file, lines[written:])
                os.fsync(file)
            except OSError:
                # What is behind the end would be there twice after the next attempt.
                with suppress(OSError):
                    os.ftruncate(file, end)
                raise
        finally:
            os.close(file)


def encode_line(span: Span) -> bytes:
    """The span as an object of JSON. Raises ValueError where its ids are unusable."""
    if not span.trace_id or not span.span_id:
        raise ValueError("a span without usable ids can't be exported")
    return _json(_as_json(span))


def _cut_torn_line(file: int, size: int) -> int:
    """
    Take back a line of ours that a killed process left without its end: its span comes again. Where the file ends after that.

    Whatever else the file may end with is not ours to take; it is ended instead, so that the next line stands alone.
    """
    begin = max(size - MAX_LINE_BYTES, 0)
    tail = os.pread(file, MAX_LINE_BYTES, begin)
    if not tail or tail.endswith(b"\n"):
        return size
    torn = tail.rpartition(b"\n")[2]
    if torn.startswith(LINE_BEGINS[: len(torn)]) and len(torn) < MAX_LINE_BYTES:
        os.ftruncate(file, size - len(torn))
        return size - len(torn)
    return size + os.write(file, b"\n")


def _as_json(span: Span) -> dict[str, Any]:
    start_ns, end_ns = clean_times(span.start_ns, span.end_ns)
    told = {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "name": clean_text(span.name, 1024),
        "kind": "client" if span.is_client else "internal",
        "start_ns": start_ns,
        "end_ns": end_ns,
        "duration_ms": (end_ns - start_ns) / 1e6,
        "status": span.status,
        "error_type": span.error_type,
        "error_message": clean_text(span.error_message, 4096) if span.error_message else None,
        "project": span.project,
        "request_id": span.request_id,
        "attributes": clean_attributes(span.attributes),
    }
    return {name: clean_text(value) if isinstance(value, str) else value for name, value in told.items() if value is not None}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
