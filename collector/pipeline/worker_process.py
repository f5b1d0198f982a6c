"""
A bench in a process of its own: one interpreter takes events in and writes, another one assembles.

Flow: Benches -> **WorkerProcess** == socket pair == collector.worker -> Bench -> the answer.
The other process reads the database and writes nothing. It may end at any time: what it had in hand is worked on here then. It
ends with this one, however that ends, because the line is cut.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from collector.keeping.sampling import Sampling
from collector.pipeline.bench import Timing, Worked
from collector.pipeline.line import Line, LineCut
from collector.storage.protocols import ClaimedCall
from collector.values import value

ANSWER_LIMIT_S = 20.0
"""Less than a claim's lease."""
END_LIMIT_S = 1.0
READY = b"ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPlan:
    """All that the other process has to know; it comes over the line, since command lines and environments are shown around."""

    database_url: str = field(repr=False)
    destinations: tuple[str, ...]
    capture_content: bool
    timing: Timing
    sampling: Sampling
    log_level: str = "info"
    log_format: Literal["console", "json"] = "console"


@value
class Task:
    """What one message asks for."""

    claimed: tuple[ClaimedCall, ...]
    now_ms: int


_encode = msgspec.msgpack.Encoder().encode
_read_answer = msgspec.msgpack.Decoder(Worked).decode


def is_possible() -> bool:
    """Whether this system hands sockets on to a new process as we need it."""
    return os.name == "posix" and bool(sys.executable)


class WorkerProcess:
    """Not there until `start`; all methods by one thread at a time."""

    def __init__(self, plan: WorkPlan, *, answer_limit_s: float = ANSWER_LIMIT_S) -> None:
        self._plan = plan
        self._answer_limit_s = answer_limit_s
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Line | None = None
        self._is_ready = False

    @property
    def pid(self) -> int | None:
        """None where there is no process."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Begin to start it, where it is not there. Raises LineCut where the system has no room for it."""
        if self._process is not None:
            return
        ours, theirs = socket.socketpair()
        with theirs:
            self._line = Line(ours, limit_s=self._answer_limit_s)
            number = theirs.fileno()
            # -P: a folder that happens to be called `collector` where the user stands must not be taken for ours.
            command = [sys.executable, "-P", "-m", "collector.worker", str(number)]
            try:
                self._process = subprocess.Popen(  # noqa: S603  (ourselves)
                    command, stdin=subprocess.DEVNULL, pass_fds=[number], env=_environment()
                )
            except OSError as exc:
                self.stop()
                raise LineCut(type(exc).__name__) from exc
        self._line.send(_encode(self._plan))

    def is_ready(self) -> bool:
        """Whether it takes work. Raises LineCut where it ended while it started."""
        if self._line is not None and not self._is_ready and self._line.is_readable():
            self._is_ready = bytes(self._line.receive()) == READY
        return self._is_ready

    def begin(self, claimed: Sequence[ClaimedCall], *, now_ms: int) -> None:
        """
        Hand work over; a `finish` must follow each. Raises LineCut.

        A second task may be handed over before the first is finished: it is small enough to wait in the line while an answer
        comes the other way.
        """
        if self._line is None:
            raise LineCut("not started")
        self._line.send(_encode(Task(claimed=tuple(claimed), now_ms=now_ms)))

    def finish(self) -> Worked | None:
        """What became of the task that was handed over first; None where it could not read the database. Raises LineCut."""
        if self._line is None:
            raise LineCut("not started")
        answer = self._line.receive()
        return _read_answer(answer) if answer else None

    def stop(self) -> None:
        """End it; at once where it does not listen."""
        line, self._line = self._line, None
        process, self._process = self._process, None
        self._is_ready = False
        if line is not None:
            line.close()
        if process is not None:
            try:
                process.wait(END_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _environment() -> Mapping[str, str]:
    """Ours, so that it finds the same packages."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
