"""
Streams and responses whose class is ours, in the hands of hosts and of other tools: what can be done with a bare one can be done
with these, and what others put on them or on their classes is heard.
"""

import copy
import gzip
import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx2
import openai
import pytest
from openai._legacy_response import LegacyAPIResponse
from openai.types.chat import ChatCompletionChunk

from collector.demo.provider import Provider
from sdk_hooks import instrument
from sdk_hooks.hooks.stainless.classes import become
from tests.sdk_hooks.hooks.capture import Capture
from tests.sdk_hooks.hooks.openai_patterns import asking, make_sync, text_of

Item = TypeVar("Item")


class OfTheHost(openai.Stream[Item]):
    """A second kind of stream, to have the same response parsed as."""


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_response_is_copied_and_pickled_as_a_bare_one(provider: Provider, capture: Capture, copied: Callable[[Any], Any]) -> None:
    """
    Before and after it was read: one of the SDK's own class, with nothing of ours on it, and the call is as if there were none.
    """
    client = instrument(make_sync(provider.base_url))
    with client.chat.completions.with_streaming_response.create(**asking()) as raw:
        unread = copied(raw.http_response)
        unread.close()
        whole = raw.read()
        read = copied(raw.http_response)
    assert (httpx2.Response, httpx2.Response) == (type(unread), type(read))
    assert [] == [name for name in (*vars(unread), *vars(read)) if "hookline" in name]
    assert whole == read.content
    stream = client.chat.completions.create(**asking(), stream=True)
    copied(stream.response)
    assert text_of(stream)
    assert httpx2.Response is type(copied(stream.response))
    assert ["text:request:completed"] * 2 == [end["type"] for end in capture.terminals()]


def test_copy_of_a_stream_is_recorded_as_the_stream(provider: Provider, capture: Capture) -> None:
    """
    A copy reads what its original would have read, a copied raw response too; dropping a copy ends nothing.
    """
    client = instrument(make_sync(provider.base_url))
    stream = client.chat.completions.create(**asking(), stream=True)
    copy.copy(stream)
    said = [text_of(copy.copy(stream))]
    raw = client.chat.completions.with_raw_response.create(**asking(), stream=True)
    said.append(text_of(copy.copy(raw).parse()))
    assert said == [end["content"] for end in capture.terminals()]


TAKEN: list[tuple[Any, str, Callable[[Any], Any]]] = [
    (httpx2.Response, "close", lambda client: client.chat.completions.create(**asking(), stream=True).close()),
    (httpx2.Response, "iter_bytes", lambda client: streamed(client)),
    (httpx2.Response, "iter_raw", lambda client: streamed(client)),
    (LegacyAPIResponse, "parse", lambda client: parsed(client)),
    (openai.Stream, "__next__", lambda client: next(client.chat.completions.create(**asking(), stream=True))),
    (openai.Stream, "__iter__", lambda client: text_of(client.chat.completions.create(**asking(), stream=True))),
]


def parsed(client: Any) -> Any:
    return client.chat.completions.with_raw_response.create(**asking(), stream=True).parse()


def streamed(client: Any) -> bytes:
    with client.chat.completions.with_streaming_response.create(**asking()) as raw:
        return raw.read()


@pytest.mark.parametrize(("kind", "name", "act"), TAKEN, ids=lambda given: given if isinstance(given, str) else "")
def test_what_another_tool_puts_on_a_class_is_heard_until_it_is_taken_away(
    provider: Provider, capture: Capture, kind: Any, name: str, act: Callable[[Any], Any]
) -> None:
    """
    Also where it came after our class was made of that class, and where our class was made while it was there.
    """

    class Http(openai.DefaultHttpxClient):
        """Its responses are of a class that only this test has: ours of it is made while the tool's is there."""

        def send(self, *args: Any, **kwargs: Any) -> Any:
            response = super().send(*args, **kwargs)
            response.__class__ = own
            return response

    own = type("Response", (httpx2.Response,), {})
    client = instrument(make_sync(provider.base_url).with_options(http_client=Http(verify=False)))
    known = instrument(make_sync(provider.base_url))
    act(known)
    heard: list[str] = []
    below = getattr(kind, name)

    def theirs(*args: Any, **kwargs: Any) -> Any:
        heard.append(name)
        return below(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(kind, name, theirs)
        act(make_sync(provider.base_url))
        once = len(heard)
        act(known)
        act(client)
        assert (once > 0, 3 * once) == (True, len(heard))
    act(known)
    act(client)
    assert 3 * once == len(heard)


def put_on(response: Any, heard: list[str]) -> None:
    """What a tool puts on each response, before we see it."""
    close, iter_bytes = response.close, response.iter_bytes

    def theirs() -> None:
        heard.append("close")
        close()

    def their_bytes(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        heard.append("iter_bytes")
        return iter_bytes(*args, **kwargs)

    response.close, response.iter_bytes = theirs, their_bytes


def test_what_another_tool_put_on_the_response_before_us_is_heard_and_so_are_we(provider: Provider, capture: Capture) -> None:
    """
    A stream that is left has its end at once, though the host keeps it; so has a raw body, which is read as it was decoded.
    """
    heard: list[str] = []
    client = instrument(make_sync(provider.base_url))
    client._client.event_hooks["response"].append(lambda response: put_on(response, heard))
    stream = client.chat.completions.create(**asking(), stream=True)
    next(stream)
    stream.close()
    assert "text:request:aborted" == capture.only_terminal()["type"]
    with client.chat.completions.with_streaming_response.create(**asking(), stream=True) as raw:
        next(raw.iter_bytes(10))
        raw.close()
        assert ["text:request:aborted"] * 2 == [end["type"] for end in capture.terminals()]
    assert ["iter_bytes", "close", "iter_bytes", "close"] == heard[:4]


def test_body_that_comes_compressed_is_read_as_another_tool_on_the_response_reads_it(capture: Capture) -> None:
    """
    The tool's `iter_bytes` stands before our class's: the answer is in what it gives, not in what came.
    """
    answer: Any = {"id": "a", "model": "m", "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]}
    body = gzip.compress(json.dumps(answer).encode())
    headers = {"content-type": "application/json", "content-encoding": "gzip"}

    class Plain(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield body

    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, headers=headers, stream=Plain()))
    http = openai.DefaultHttpxClient(transport=transport)
    http.event_hooks["response"].append(lambda response: put_on(response, []))
    client = instrument(openai.OpenAI(api_key="not-a-key", http_client=http))
    assert "Hi" in streamed(client).decode()
    assert "Hi" == capture.only_terminal()["content"]


def test_response_that_is_parsed_as_two_streams_ends_as_the_one_that_is_read(provider: Provider, capture: Capture) -> None:
    """
    The end of the one closes the response, which leaves the other; nobody had read that.
    """
    client = instrument(make_sync(provider.base_url))
    raw: Any = client.chat.completions.with_raw_response.create(**asking(), stream=True)
    first, second = raw.parse(), raw.parse(to=OfTheHost[ChatCompletionChunk])
    said = text_of(first)
    del second
    end = capture.only_terminal()
    assert ("text:request:completed", said) == (end["type"], end["content"])


def test_classes_that_are_made_without_end_are_not_kept_without_end() -> None:
    """
    Of the first thousand ours is kept; one of a later class is watched as well.
    """

    def methods(kind: Any) -> dict[str, Any]:
        return {"is_ours": True}

    from sdk_hooks.hooks.stainless.classes import _classes  # pyright: ignore[reportPrivateUsage]

    for _ in range(1_100):
        thing: Any = type("Made", (), {})()
        become(thing, methods)
        assert thing.is_ours
    assert len(_classes.pop(methods)) == 1_000
