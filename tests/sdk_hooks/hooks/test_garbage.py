"""
What a call leaves to the garbage collector: nothing where a bare one leaves nothing. What a bare call lets go of at once, its
response among it, must not wait for a collection because of us.

Where an SDK leaves circles itself (exceptions that hold the frames that hold them, copies of clients), what we put into them goes
when they go.
"""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from collector.demo.provider import Provider
from sdk_hooks import instrument
from tests.sdk_hooks.hooks.capture import capturing
from tests.sdk_hooks.hooks.openai_patterns import Pattern
from tests.sdk_hooks.hooks.test_contract import as_it_is, cases, firsts

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Pydantic serializer warnings")

TRIES = 2
"""
The provider is in this process and leaves some as well, now and then; and what an act leaves is found by somebody else, now and
then. So of a hooked act the least counts, of a bare one the most.
"""


@pytest.fixture(autouse=True, scope="module")
def little_to_look_through() -> Iterator[None]:
    """What there was before is left out of each collection: the modules of six SDKs take a quarter of a second."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def left_behind(act: Callable[[], object]) -> list[int]:
    """How many objects an act leaves that only the garbage collector finds: some times, after one to get ready."""
    act()
    found: list[int] = []
    for _ in range(TRIES):
        with collecting(found):
            act()
    return found


@contextmanager
def collecting(found: list[int]) -> Iterator[None]:
    """Adds how much of what is made in the meantime nobody but the garbage collector finds."""
    gc.collect()
    gc.disable()
    try:
        yield
        found.append(gc.collect())
    finally:
        gc.enable()


@pytest.mark.parametrize(("module", "pattern"), firsts())
def test_what_leaves_nothing_bare_leaves_nothing_hooked(module: Any, pattern: Pattern, provider: Provider) -> None:
    """
    Whole answers, streams that are read and that are left, failures, of each hook.
    """
    assert_nothing_more(module, pattern, provider)


@pytest.mark.long
@pytest.mark.parametrize(("module", "pattern"), cases("SYNC"))
def test_the_same_of_every_pattern(module: Any, pattern: Pattern, provider: Provider) -> None:
    """
    Raw answers and their streams, copies of clients, tools and all the others.
    """
    assert_nothing_more(module, pattern, provider)


def assert_nothing_more(module: Any, pattern: Pattern, provider: Provider) -> None:
    bare, hooked = module.make_sync(provider.base_url), module.make_sync(provider.base_url)
    without = left_behind(lambda: module.outcome(pattern.run, bare))
    with capturing():
        instrument(hooked)
        assert max(without) or not min(left_behind(lambda: module.outcome(pattern.run, hooked)))


@pytest.mark.long
@pytest.mark.parametrize(("module", "pattern"), cases("ASYNC"))
def test_the_same_of_an_async_call(module: Any, pattern: Pattern, provider: Provider) -> None:
    """
    In one loop, for the hooks of both clients.
    """

    async def both() -> tuple[list[int], list[int]]:
        bare, hooked = module.make_async(provider.base_url), module.make_async(provider.base_url)
        opened = getattr(module, "opened", as_it_is)
        async with opened(bare), opened(hooked):
            without = await left_behind_async(lambda: module.outcome_async(pattern.run, bare))
            with capturing():
                instrument(hooked)
                return without, await left_behind_async(lambda: module.outcome_async(pattern.run, hooked))

    without, with_hook = asyncio.run(both())
    assert max(without) or not min(with_hook)


async def left_behind_async(act: Callable[[], Any]) -> list[int]:
    await act()
    found: list[int] = []
    for _ in range(TRIES):
        with collecting(found):
            await act()
            # What the loop itself holds until its next round.
            await asyncio.sleep(0)
    return found
