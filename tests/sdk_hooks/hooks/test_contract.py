"""
What every hook promises, in every call pattern that its SDK has: the host gets what it would have got, and the call is recorded
once, with one beginning and one end.
"""

import asyncio
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from collector.demo.provider import Provider
from sdk_hooks import instrument
from sdk_hooks.registry import HOOKS
from tests.sdk_hooks.hooks.capture import Capture, capturing
from tests.sdk_hooks.hooks.openai_patterns import Pattern

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Pydantic serializer warnings")

PATTERNS: dict[str, tuple[str, ...]] = {
    "openai": ("openai_patterns", "openai_patterns_async"),
    "anthropic": ("anthropic_patterns",),
    "openai-agents": ("agents_patterns:RESPONSES", "agents_patterns:CHAT"),
    "openrouter": ("openrouter_patterns",),
    "litellm": ("litellm_patterns",),
    "google-genai": ("google_genai_patterns",),
}
"""Where the sync and async patterns of each hook are: a module here, or an object in one."""

ELSEWHERE = frozenset(("litellm",))
"""SDKs that can't be installed beside the others: `test_elsewhere` runs this suite with them."""


def loaded(place: str) -> Any:
    name, _, part = place.partition(":")
    module = import_module(f"tests.sdk_hooks.hooks.{name}")
    return getattr(module, part) if part else module


def is_installed(sdk: str) -> bool:
    return find_spec(HOOKS[sdk].sdk.partition(".")[0]) is not None


def cases(which: str) -> list[Any]:
    return [
        pytest.param(module, pattern, id=f"{sdk}-{pattern.name}")
        for sdk, places in PATTERNS.items()
        if is_installed(sdk)
        for module in map(loaded, places)
        for pattern in getattr(module, which, ())
    ]


def test_every_hook_has_patterns() -> None:
    """
    A hook joins the suite by having its patterns here; only those that are run elsewhere may be missing in an environment.
    """
    assert set(HOOKS) == set(PATTERNS)
    missing = {sdk for sdk in HOOKS if not is_installed(sdk)}
    assert missing <= ELSEWHERE or missing == set(HOOKS) - ELSEWHERE - {"openai"}


@pytest.mark.parametrize(("module", "pattern"), cases("SYNC"))
def test_sync_pattern_is_recorded_and_unchanged(module: Any, pattern: Pattern, provider: Provider) -> None:
    """
    Same result or exception as with a bare client; one started and one terminal event, of the expected kind.
    """
    bare = module.outcome(pattern.run, module.make_sync(provider.base_url))
    with capturing() as capture:
        client = instrument(module.make_sync(provider.base_url))
        recorded = module.outcome(pattern.run, client)
        assert bare == recorded
        assert_recorded(capture, pattern)


@pytest.mark.parametrize(("module", "pattern"), cases("ASYNC"))
def test_async_pattern_is_recorded_and_unchanged(module: Any, pattern: Pattern, provider: Provider) -> None:
    """
    The same for the async client.
    """

    async def run(client: Any) -> Any:
        async with getattr(module, "opened", as_it_is)(client):
            return await module.outcome_async(pattern.run, client)

    bare = asyncio.run(run(module.make_async(provider.base_url)))
    with capturing() as capture:
        recorded = asyncio.run(run(instrument(module.make_async(provider.base_url))))
        assert bare == recorded
        assert_recorded(capture, pattern)


def as_it_is(client: Any) -> Any:
    """
    Most clients are their own context manager.
    """
    return client


def assert_recorded(capture: Capture, pattern: Pattern) -> None:
    started, terminals = capture.started(), capture.terminals()
    roots = [event for event in terminals if "parentRequestId" not in event]
    assert 1 + pattern.also == len(started), [event["type"] for event in capture.events()]
    assert {event["requestId"] for event in started} == {event["requestId"] for event in terminals}
    assert len(started) == len(terminals)
    assert [pattern.ends] == [event["type"].rpartition(":")[2] for event in roots]
    assert "duration" in roots[0]
    if pattern.ends == "error":
        assert roots[0]["error"]["name"]
        assert "message" in roots[0]["error"]
