"""
Waiting on the loop for another thread: results, errors, one wake-up for many, and a sender that went away.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from collector.api.landing import Landing


class CountingLoop:
    """The running loop, counting how often another thread wakes it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.create_future = self.loop.create_future
        self.rings = 0

    def call_soon_threadsafe(self, callback: Callable[[], Any]) -> None:
        self.rings += 1
        self.loop.call_soon_threadsafe(callback)


async def test_result_and_error_arrive():
    """
    Of a future that is done before anybody waits, and of one that is done later.
    """
    landing = Landing(asyncio.get_running_loop())
    early: Future[int] = Future()
    early.set_result(1)
    late: Future[int] = Future()
    failed: Future[int] = Future()
    waiting = asyncio.gather(landing.wait(late), landing.wait(failed), return_exceptions=True)
    await asyncio.sleep(0)

    await asyncio.to_thread(late.set_result, 2)
    await asyncio.to_thread(failed.set_exception, ValueError("no"))

    assert 1 == await landing.wait(early)
    second, third = await waiting
    assert (2, "no") == (second, str(third))


async def test_many_that_end_together_ring_once():
    """
    Nobody is forgotten, also not those of the next group.
    """
    counting: Any = CountingLoop()
    landing = Landing(counting)
    for rings in (1, 2):
        futures: list[Future[int]] = [Future() for _ in range(64)]
        waiting = asyncio.gather(*map(landing.wait, futures))
        await asyncio.sleep(0)
        for n, future in enumerate(futures):
            future.set_result(n)

        assert list(range(64)) == await waiting
        assert rings == counting.rings


async def test_request_of_a_sender_that_left_is_taken_back():
    """
    As long as nobody works on it; its result, if it comes all the same, disturbs nobody.
    """
    landing = Landing(asyncio.get_running_loop())
    queued: Future[int] = Future()
    running: Future[int] = Future()
    running.set_running_or_notify_cancel()
    tasks = [asyncio.ensure_future(landing.wait(future)) for future in (queued, running)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    for task in tasks:
        with pytest.raises(asyncio.CancelledError):
            await task

    assert queued.cancelled()
    running.set_result(1)
    await asyncio.sleep(0)
