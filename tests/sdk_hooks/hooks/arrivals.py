"""
Leave a call when its request has arrived and nothing has come back: told by the provider, not by a clock.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from collector.demo.provider import Provider

_running: list[Provider] = []


def arrive_at(provider: Provider | None) -> None:
    """Whose requests are looked at; the fixture `provider` says it."""
    _running[:] = [] if provider is None else [provider]


async def cancelled_when_sent(call: Coroutine[Any, Any, Any]) -> bool:
    """Run the call in a task, cancel that when the provider has the request, and tell whether it ended as cancelled."""
    before = _last()
    task = asyncio.ensure_future(call)
    while _last() is before and not task.done():
        await asyncio.sleep(0.005)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return task.cancelled()


def _last() -> Any:
    seen = _running[0].seen
    return seen[-1] if seen else None
