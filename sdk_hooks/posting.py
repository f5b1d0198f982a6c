"""
One POST at a time, in a thread of its own: a silent collector must not keep the emitter from writing to disk.

Flow: delivery -> **posting** -> transport.
Where no thread may run (sync delivery) or can be started (the interpreter is ending) the POST is made at once, in place.
"""

from collections.abc import Callable
from contextvars import Context
from threading import Condition, Thread
from time import monotonic

from sdk_hooks.context import suppress
from sdk_hooks.encoding import Batch
from sdk_hooks.guard import guard
from sdk_hooks.transport import Answer, RetryLater, Transport


class Posting:
    """The way of single batches to one collector. `start`, then `wait` until there is an answer."""

    def __init__(self, transport: Transport, *, has_thread: bool, on_late_answer: Callable[[], None]) -> None:
        self._transport = transport
        self._has_thread = has_thread
        self._on_late_answer = on_late_answer
        self._changed = Condition()
        self._thread: Thread | None = None
        self._job: tuple[Batch, float] | None = None
        self._answer: Answer | None = None
        self._waits = False
        self._closed = False

    def start(self, batch: Batch, *, timeout_s: float, in_place_s: float) -> None:
        """Send it, in place within another time. Not before the answer to the one before was taken."""
        if not self._has_thread or not self._is_started():
            # The answer if the host's thread leaves in the middle (Ctrl-C): nobody else would ever give one.
            self._answer = RetryLater(None, "interrupted")
            self._answer = self._post(batch, min(timeout_s, in_place_s))
            return
        with self._changed:
            self._job = (batch, timeout_s)
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> Answer | None:
        """The answer, once; None when it has not come in time."""
        until_s = monotonic() + timeout_s
        with self._changed:
            self._waits = True
            while self._answer is None and (left_s := until_s - monotonic()) > 0:
                self._changed.wait(left_s)
            self._waits = False
            answer, self._answer = self._answer, None
        return answer

    def close(self) -> None:
        """No more POSTs; one that is on its way comes to its end by itself."""
        with self._changed:
            self._closed = True
            is_idle = self._job is None
            self._changed.notify_all()
        if is_idle:
            self._transport.close()

    def abandon(self) -> None:
        """In a forked child: thread and locks are the parent's."""
        self._transport.abandon()

    def _is_started(self) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return True
        try:
            thread = Thread(target=Context().run, args=(self._run,), name="hookline-posting", daemon=True)
            thread.start()
        except RuntimeError:
            return False
        self._thread = thread
        return True

    def _run(self) -> None:
        suppress()
        while True:
            with self._changed:
                while self._job is None and not self._closed:
                    self._changed.wait()
                if self._job is None or self._closed:
                    break
                batch, timeout_s = self._job
            answer = self._post(batch, timeout_s)
            with self._changed:
                self._job = None
                self._answer = answer
                is_late = not self._waits
                self._changed.notify_all()
            if is_late:
                self._on_late_answer()
        with guard("posting.close"):
            self._transport.close()

    def _post(self, batch: Batch, timeout_s: float) -> Answer:
        with guard("posting"):
            return self._transport.post(batch.body, is_gzip=batch.is_gzip, timeout_s=timeout_s)
        return RetryLater(None, "error")
