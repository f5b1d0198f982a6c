"""
What every hook promises, in every call pattern that its SDK has: the host gets what it would have got, and the call is recorded
once, with one beginning and one end.
"""

import asyncio
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

import pytest

from collector.demo.provider import Provider
from sdk_hooks import instrument, uninstrument
from sdk_hooks.guard import raise_for_tests
from sdk_hooks.redact import without_content
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


USUAL = {
    "openrouter": frozenset(
        (
            *("chat", "chat_that_failed", "structured", "stream_to_the_end", "stream_of_tools", "stream_broken_off_and_kept"),
            *("stream_never_read", "error_in_the_stream", "socket_dropped", "retried", "timed_out", "wrong_argument", "response"),
            "rate_limited",
            *("response_stream_with_image", "images", "embeddings", "speech_in_pieces", "transcription", "rerank", "video_poll"),
            *("chat_async", "stream_to_the_end_async", "stream_broken_off_async", "task_cancelled_async", "socket_dropped_async"),
            *("cancelled_before_the_answer_async", "beta_response_async", "video_poll_async"),
        )
    ),
}
"""Of an SDK that makes its classes anew for each answer, and takes half of this suite's time: the others are long."""


def loaded(place: str) -> Any:
    name, _, part = place.partition(":")
    module = import_module(f"tests.sdk_hooks.hooks.{name}")
    return getattr(module, part) if part else module


def is_installed(sdk: str) -> bool:
    return find_spec(HOOKS[sdk].sdk.partition(".")[0]) is not None


def marks_of(sdk: str, pattern: Pattern) -> list[pytest.MarkDecorator]:
    return [pytest.mark.long] if sdk in USUAL and pattern.name not in USUAL[sdk] else []


def cases(which: str) -> list[Any]:
    return [
        pytest.param(module, pattern, id=f"{sdk}-{pattern.name}", marks=marks_of(sdk, pattern))
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
    for event in capture.events():
        assert KEY not in str(event)
        assert_hollow(event)


KEY = "not-a-key"
"""The key of every client here."""

# fmt: off
WORDS = (
    "Hello", "You asked", "forty-two", "a cat", "a film", "Be short", "made here", "asked to fail", "stream broke", "gave up",
    "the host's own", "Every call", "Say it", "Which?", "Paris",
)
# fmt: on
"""What the patterns and the provider say."""


def assert_hollow(event: Any) -> None:
    """
    With `HOOKLINE_CAPTURE_CONTENT=false` nothing of what was said is in the event; names, times and counts are.
    """
    hollow = without_content(event)
    assert [] == [word for word in WORDS if word in str(hollow)]
    for name in ("type", "requestId", "duration", "usage", "messageCount", "finishReason", "toolNames"):
        assert event.get(name) == hollow.get(name)


class Broken:
    """
    Stands for an emitter that takes nothing, or that has a mistake.
    """

    def __init__(self, emitter: Any, raises: bool) -> None:
        self._emitter = emitter
        self._raises = raises

    def __getattr__(self, name: str) -> Any:
        return getattr(self._emitter, name)

    def offer(self, record: Any) -> bool:
        if self._raises:
            raise RuntimeError("a mistake of ours")
        return False


def firsts() -> list[Any]:
    """
    Of each hook the first patterns that end well and those that break.
    """
    wanted = ("chat", "run", "generate", "stream_to_the_end", "stream_broken_off_and_kept", "rate_limited", "message")
    return [case for case in cases("SYNC") if case.values[1].name in wanted]


@pytest.mark.parametrize("raises", [False, True], ids=["full", "raising"])
@pytest.mark.parametrize(("module", "pattern"), firsts())
def test_host_gets_the_same_when_nothing_can_be_recorded(module: Any, pattern: Pattern, provider: Provider, raises: bool) -> None:
    """
    Whether the buffer is full or our own code fails: result and exception are those of a bare client, and no event is sent.
    """
    bare = module.outcome(pattern.run, module.make_sync(provider.base_url))
    with capturing() as capture:
        raise_for_tests(False)
        capture.runtime.emitter = cast("Any", Broken(capture.runtime.emitter, raises))
        assert bare == module.outcome(pattern.run, instrument(module.make_sync(provider.base_url)))
        assert [] == capture.events()


def of_each_hook() -> list[Any]:
    return [pytest.param(loaded(places[0]), id=sdk) for sdk, places in PATTERNS.items() if is_installed(sdk)]


@pytest.mark.parametrize("module", of_each_hook())
def test_uninstrument_restores(module: Any, provider: Provider) -> None:
    """
    The client has the class and the attributes that it had, the very same objects, however often it was instrumented.
    """
    client = module.make_sync(provider.base_url)
    kind, attributes = type(client), dict(vars(client))
    with capturing():
        instrument(instrument(client))
        uninstrument(client)
        assert kind is type(client)
        assert {name: id(value) for name, value in attributes.items()} == {
            name: id(value) for name, value in vars(client).items()
        }
