"""
Whose loop reads a stream: ours where the SDK's does nothing else, the SDK's own or the host's where it does.
"""

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from openrouter import OpenRouter
from openrouter.utils.eventstreaming import EventStream

from collector.demo.provider import Provider
from sdk_hooks import instrument
from sdk_hooks.hooks.stainless.streams import watch
from tests.sdk_hooks.hooks.anthropic_patterns import make_sync as anthropic_client
from tests.sdk_hooks.hooks.capture import Capture
from tests.sdk_hooks.hooks.openai_patterns import make_sync as openai_client
from tests.sdk_hooks.hooks.openrouter_patterns import make_sync as openrouter_client
from tests.sdk_hooks.hooks.openrouter_patterns import streamed


class Seen:
    """Notes of the test's own."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.end: list[str] = []

    def item(self, item: Any) -> None:
        self.items.append(item)

    def ended(self) -> None:
        self.end.append("ended")

    def raised(self, error: BaseException) -> None:
        self.end.append("raised")

    def left(self) -> None:
        self.end.append("left")

    def resumed(self) -> None:
        """Nothing to take back."""


class Observer:
    """What the SDK's own tracing puts beside the body of a response."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def item(self, item: Any) -> None:
        self.items.append(item)


def test_observer_of_the_sdk_still_hears_of_every_item(provider: Provider) -> None:
    """
    anthropic's streams tell an observer, where tracing put one, of each item: in a loop of theirs, and item by item.
    """
    client = anthropic_client(provider.base_url)
    stream: Any = anthropic.Stream(cast_to=object, response=httpx2.Response(200, text=""), client=client)
    observer = stream.response.stream.stream_observer = Observer()
    stream._iterator = iter(["a", "b", "c"])
    seen = Seen()
    watch(stream, seen)
    assert ["a", "b", "c"] == [next(stream), *stream]
    assert ["a", "b", "c"] == observer.items == seen.items
    assert ["ended"] == seen.end


class Shouting(openai.Stream[Any]):
    """A host's stream, whose loop does more than the SDK's."""

    def __iter__(self) -> Iterator[Any]:
        for item in self._iterator:
            yield str(item).upper()


class Ready:
    """A response that has all it will have."""

    def close(self) -> None:
        """Nothing is open."""


KINDS: list[Any] = [openai.Stream, anthropic.Stream, Shouting]


@pytest.mark.parametrize("kind", KINDS)
def test_loop_gives_what_the_stream_s_own_class_gives(provider: Provider, kind: Any) -> None:
    """
    Also where the host's class makes something else of each item; the notes have the items of the SDK.
    """
    make = anthropic_client if kind is anthropic.Stream else openai_client
    given: Any = {"cast_to": object, "response": Ready(), "client": make(provider.base_url)}
    made: list[Any] = [kind(**given), kind(**given)]
    for stream in made:
        stream._iterator = iter(["a", "b"])
    bare, watched = made
    seen = Seen()
    watch(watched, seen)
    assert list(bare) == list(watched)
    assert (["a", "b"], ["ended"]) == (seen.items, seen.end)


def test_openrouter_s_stream_that_is_closed_in_its_loop_has_no_more_items(provider: Provider, capture: Capture) -> None:
    """
    The SDK gives nothing more, though more had arrived; the call is aborted with what was read.
    """

    def read(client: OpenRouter) -> list[str]:
        said: list[str] = []
        stream = streamed(client, "[words:50]")
        for chunk in stream:
            said.append(chunk.choices[0].delta.content)
            if len(said) == 3:
                stream.close()
        return [*said, *stream]

    bare = read(openrouter_client(provider.base_url))
    assert (3, bare) == (len(bare), read(instrument(openrouter_client(provider.base_url))))
    end = capture.only_terminal()
    assert ("text:request:aborted", "".join(said for said in bare if said)) == (end["type"], end["content"])


def test_openrouter_s_stream_of_another_version_is_watched_around_its_generator(provider: Provider, capture: Capture) -> None:
    """
    Where a step does more than ours knows, it is the SDK's step that the host's loop takes.
    """

    class Counting(EventStream[Any]):
        steps = 0

        def __next__(self) -> Any:
            self.steps += 1
            return super().__next__()

    from sdk_hooks.hooks.openrouter_streams import watch as watch_openrouter

    stream: Any = Counting(Ready(), str)  # type: ignore[arg-type]
    stream.generator = iter(["a", "b"])
    seen = Seen()
    watch_openrouter(stream, seen)
    assert (["a", "b"], 3) == (list(stream), stream.steps)
    assert (["a", "b"], ["ended"]) == (seen.items, seen.end)


def test_response_that_can_have_no_class_of_ours() -> None:
    """
    A response of a class of C, or with slots, stays as it is; its stream is read and ends as any other.
    """

    class Slotted:
        __slots__ = ("_hookline_read",)

        def close(self) -> None: ...

    class Stream:
        def __init__(self) -> None:
            self._iterator, self.response = iter("ab"), Slotted()

        def __iter__(self) -> Iterator[str]:
            yield from self._iterator

    stream, seen = Stream(), Seen()
    watch(stream, seen)
    assert ["a", "b"] == list(stream)
    assert (["a", "b"], ["ended"]) == (seen.items, seen.end)
    assert Slotted is type(stream.response)
