"""
A thousand streams at once in one event loop, some left and some cancelled midway: each ends once, and none has another's words.
"""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from sdk_hooks import instrument
from sdk_hooks.registry import HOOKS
from tests.sdk_hooks.hooks.capture import Event, capturing
from tests.sdk_hooks.hooks.many_streams import HOLD, HOSTS, Crowd, Host
from tests.sdk_hooks.hooks.test_contract import is_installed

INSTALLED = [sdk for sdk in HOOKS if is_installed(sdk)]
NUMBER = re.compile(r"number-(\d+)-")
TOGETHER_S = 800.0
"""For a machine that others load."""
MOST = {"openrouter": 300}
"""Its SDK makes a class for every frame: a thousand streams take a minute and a half, nearly all of it the SDK's."""


def asked(number: int) -> str:
    """Of five streams three are read to the end, one is left, and one is cancelled while it waits for more."""
    return f"number-{number}-please" + (f" {HOLD}" if number % 5 == 4 else "")


def answered(number: int) -> str:
    return f"You asked: number-{number}-please The answer is forty-two."


def ends_of(number: int) -> str:
    return "completed" if number % 5 < 3 else "aborted"


async def read_all(host: Host, size: int) -> dict[int, str]:
    """What each host task got, by its number."""
    got: dict[int, list[str]] = {number: [] for number in range(size)}
    waiting = {number: asyncio.Event() for number in range(size) if number % 5 == 4}

    async def read(number: int) -> None:
        pieces = host.read(asked(number))
        async for piece in pieces:
            got[number].append(piece)
            if number % 5 == 3 and len(got[number]) == 2:
                break
            if number in waiting:
                waiting[number].set()
        await leave(pieces)

    async with asyncio.timeout(TOGETHER_S):
        tasks = {number: asyncio.ensure_future(read(number)) for number in range(size)}
        for number, begun in waiting.items():
            await first_of(begun, tasks[number])
            tasks[number].cancel()
        for number, task in tasks.items():
            with suppress(asyncio.CancelledError):
                await task
            assert task.cancelled() == (number in waiting)
    return {number: "".join(pieces) for number, pieces in got.items()}


async def first_of(begun: asyncio.Event, task: "asyncio.Task[None]") -> None:
    """Either it has begun to read, or it has failed."""
    waiter = asyncio.ensure_future(begun.wait())
    await asyncio.wait((waiter, task), return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()


async def leave(pieces: AsyncIterator[str]) -> None:
    close: Any = getattr(pieces, "aclose", None)
    if close is not None:
        await close()


def of_each_call(events: list[Event]) -> dict[int, list[Event]]:
    """The events of a call and of those inside it, by the number that it asked with."""
    trees: dict[str, list[Event]] = defaultdict(list)
    roots = {event["requestId"]: event.get("rootRequestId", event["requestId"]) for event in events if "started" in event["type"]}
    for event in events:
        trees[roots[event["requestId"]]].append(event)
    found: dict[int, list[Event]] = {}
    for tree in trees.values():
        numbers = {int(number) for number in NUMBER.findall(json.dumps(tree))}
        assert 1 == len(numbers), f"a call with the words of {len(numbers)}"
        number = numbers.pop()
        assert number not in found, "two calls where the host made one"
        found[number] = tree
    return found


def check_call(tree: list[Event], number: int, host_got: str) -> None:
    """One beginning and one end of each call in it, and the text that this host got."""
    kinds = [(event["requestId"], event["type"].rpartition(":")[2]) for event in tree if ":request:" in event["type"]]
    ids = {request_id for request_id, _ in kinds}
    assert sorted(kinds) == sorted([(one, "started") for one in ids] + [(one, ends_of(number)) for one in ids])
    said = "".join(piece["delta"] for event in tree if event["type"] == "text:chunk:content" for piece in event["chunks"])
    if ends_of(number) == "completed":
        assert answered(number) == host_got == said
    else:
        assert answered(number).startswith(said)
        assert said.startswith(host_got)
        assert host_got


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("size", [pytest.param(12, id="some"), pytest.param(1_000, id="thousand", marks=pytest.mark.long)])
@pytest.mark.parametrize("sdk", INSTALLED)
@pytest.mark.timeout(900)
def test_streams_at_once_stay_apart(sdk: str, size: int) -> None:
    """
    All are open at the same time. Each call has its own words only, one started and one terminal event, of the right kind.
    """

    size = min(size, MOST.get(sdk, size))

    async def run() -> dict[int, str]:
        host = HOSTS[sdk](Crowd(size))
        instrument(host.client)
        return await read_all(host, size)

    with capturing(buffer_max_events=200_000, buffer_max_bytes=1_000_000_000) as capture:
        got = asyncio.run(run())
        assert capture.runtime.emitter.flush(TOGETHER_S)
        assert not any(capture.runtime.losses.snapshot().values())
        found = of_each_call([event for batch in capture.batches for event in batch["events"]])
    assert set(range(size)) == set(found)
    for number, tree in found.items():
        check_call(tree, number, got[number])


def test_every_hook_has_its_crowd() -> None:
    """A hook joins by its row in `HOSTS`."""
    assert set(HOOKS) == set(HOSTS)
