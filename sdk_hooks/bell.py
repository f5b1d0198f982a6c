"""
Wake one thread that waits, from anywhere.

Flow: host's threads, destructors, signal handlers -> **bell** -> the emitter's thread.
`threading.Event` holds a lock over some lines of Python. A destructor that the garbage collector runs between these lines, or a
signal handler, would wait for its own thread for ever; so would a child that was forked just then.
"""

from contextlib import suppress as ignoring
from threading import Lock


class Bell:
    """Rung as often as one likes before it is heard; heard once."""

    __slots__ = ("_silence",)

    def __init__(self) -> None:
        self._silence = Lock()
        self._silence.acquire()

    def ring(self) -> None:
        """Never waits."""
        # A thread that was rung may wait 5 ms for the interpreter before it hears, and meanwhile every call of the host rings: to
        # look first costs 0.1 µs where the exception costs 2.
        if self._silence.locked():
            with ignoring(RuntimeError):
                # Not held: another thread has rung since.
                self._silence.release()

    def wait(self, timeout_s: float | None) -> bool:
        """Until it rings, or was rung before. False: it did not."""
        return self._silence.acquire(timeout=-1 if timeout_s is None else max(0.0, timeout_s))

    def hush(self) -> None:
        """Forget that it was rung."""
        self._silence.acquire(blocking=False)
