"""
The files of the spool: make one, claim one, list them, remove them.

Flow: own, leftovers, room, forgetting -> **segments** -> disk.
Whoever has a `Segment` holds its lock. Everything here may raise OSError.
"""

import os
import stat
from contextlib import suppress as ignoring
from errno import EAGAIN, EEXIST
from typing import Any, NamedTuple

from sdk_hooks.spool.locks import lock
from sdk_hooks.spool.records import HEAD_BYTES, decode_head, encode_head, head_length

SUFFIX = ".spool"
_FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_TRIES = 8


class Found(NamedTuple):
    """A segment in the folder, whoever holds it."""

    path: str
    bytes: int
    changed_s: float


class Segment:
    """One locked file. `end` is where the next record goes."""

    __slots__ = ("_file", "about", "end", "path", "start")

    def __init__(self, path: str, file: int, about: dict[str, Any], start: int, end: int) -> None:
        self.path = path
        self._file = file
        self.about = about
        self.start = start
        self.end = end

    def append(self, data: bytes) -> None:
        """Write at the end, whole or not at all."""
        try:
            _write(self._file, self.end, data)
        except OSError:
            # What was begun is cut off again; if even that fails, readers find a torn tail.
            os.ftruncate(self._file, self.end)
            raise
        self.end += len(data)

    def read(self, offset: int, length: int) -> bytes:
        """So many bytes, fewer at the end of the file."""
        os.lseek(self._file, offset, os.SEEK_SET)
        pieces: list[bytes] = []
        while length > 0 and (piece := os.read(self._file, min(length, 1 << 22))):
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)

    def overwrite(self, offset: int, data: bytes) -> None:
        _write(self._file, offset, data)

    def sync(self) -> None:
        os.fsync(self._file)

    def is_in_place(self) -> bool:
        """False when somebody deleted the file: what is written to it would survive nobody."""
        return os.fstat(self._file).st_nlink > 0

    def close(self) -> None:
        """Give the file up; it stays, and whoever comes next may claim it. In a forked child the parent keeps its lock."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def remove(self) -> None:
        """Delete it, then give it up: in this order nobody claims what is going."""
        if os.name == "nt":
            self.close()
        try:
            with ignoring(FileNotFoundError):
                os.unlink(self.path)
        finally:
            self.close()


def make_folder(folder: str) -> None:
    """Make what is missing of the path, readable by nobody else. What exists stays as it is: it may be anything."""
    missing: list[str] = []
    path = os.path.abspath(folder)
    while not os.path.isdir(path) and path != os.path.dirname(path):
        missing.append(path)
        path = os.path.dirname(path)
    for path in reversed(missing):
        # Made meanwhile by another process: as good.
        with ignoring(FileExistsError):
            os.mkdir(path, 0o700)


def create(folder: str, name: str, about: dict[str, Any]) -> Segment:
    """A new segment that nobody else may read."""
    head = encode_head(about)
    for number in range(_TRIES):
        path = os.path.join(folder, f"{name}-{number}{SUFFIX}" if number else f"{name}{SUFFIX}")
        try:
            file = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        # Between the two lines another process may have taken the empty file for a leftover.
        try:
            if lock(file) and os.fstat(file).st_nlink:
                _write(file, 0, head)
                return Segment(path, file, about, len(head), len(head))
        except OSError:
            os.unlink(path)
            os.close(file)
            raise
        os.close(file)
    raise OSError(EEXIST, "no free name for a segment")


def claim(path: str) -> Segment | None:
    """The segment, if no live process holds it and it is one of ours. Raises OSError where it is gone or unreadable."""
    file = os.open(path, _FLAGS)
    segment = None
    try:
        if lock(file):
            segment = _opened(path, file)
    finally:
        if segment is None:
            os.close(file)
    return segment


def _opened(path: str, file: int) -> Segment | None:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode) or not _is_mine(status) or not os.path.samestat(status, os.stat(path)):
        return None
    segment = Segment(path, file, {}, status.st_size, status.st_size)
    start = segment.read(0, HEAD_BYTES)
    length = head_length(start)
    about = None if length is None else decode_head(start, segment.read(HEAD_BYTES, length))
    if about is not None and length is not None:
        return Segment(path, file, about, HEAD_BYTES + length, status.st_size)
    # An empty or torn head holds no record: it died while it was made. Anything else is not ours to judge.
    return segment if status.st_size < HEAD_BYTES or length is not None else None


def _is_mine(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def list_segments(folder: str) -> list[Found]:
    """The oldest first: names begin with their time. Empty where there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            names = [entry for entry in entries if entry.name.endswith(SUFFIX)]
            found = [_look(entry) for entry in names]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(segment for segment in found if segment is not None)


def _look(entry: "os.DirEntry[str]") -> Found | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return Found(entry.path, status.st_size, status.st_mtime) if stat.S_ISREG(status.st_mode) else None


def _write(file: int, offset: int, data: bytes) -> None:
    os.lseek(file, offset, os.SEEK_SET)
    view = memoryview(data)
    while view:
        written = os.write(file, view)
        if written <= 0:
            raise OSError(EAGAIN, "nothing was written")
        view = view[written:]
