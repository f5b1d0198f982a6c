"""
Wait on the event loop for what the writer's thread finishes, with one wake-up for all that finish together.

Flow: GroupWriter (its thread) -> **Landing** -> ingest (the loop). A commit ends many requests at once; waking the loop for
each of them would cost more than their share of the commit.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Landing:
    """Of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._landed: deque[tuple[Callable[[Any], object], Future[Any]]] = deque()
        self._is_ringing = False

    async def wait(self, future: "Future[T]") -> T:
        """The future's result. Whoever is cancelled meanwhile takes its request back, if it is not being worked on yet."""
        if not future.done():
            waiter: asyncio.Future[None] = self.loop.create_future()
            self.then(future, lambda _: None if waiter.done() else waiter.set_result(None))
            try:
                await waiter
            except asyncio.CancelledError:
                future.cancel()
                raise
        return future.result()

    def then(self, future: "Future[T]", go_on: Callable[["Future[T]"], object]) -> None:
        """
        Call `go_on` on the loop once the future is done, with the future: what costs least.

        A `go_on` that holds the future itself would be a ring, and all that hangs on it would stay for the garbage collector.
        """
        future.add_done_callback(lambda done: self._land(go_on, done))

    def _land(self, go_on: Callable[[Any], object], done: "Future[Any]") -> None:
        self._landed.append((go_on, done))
        # In this order: whoever lands after the bell was heard rings again.
        if not self._is_ringing:
            self._is_ringing = True
            # A loop that is closed has nobody left to tell.
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._is_ringing = False
        while self._landed:
            go_on, done = self._landed.popleft()
            try:
                go_on(done)
            except Exception:
                # The others have landed all the same.
                log.exception("landing_failed")
