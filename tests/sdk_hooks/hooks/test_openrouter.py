"""
What is special to the openrouter hook: resources made on first use, arguments that are models or iterables, the provider's price.
"""

import asyncio
import copy
import inspect
from collections import deque
from typing import Any

import pytest
from openrouter import OpenRouter
from openrouter.components import ChatSystemMessage, ChatUserMessage
from openrouter.types import UNSET

from collector.assembly.usage import read_usage
from collector.demo.provider import Provider
from sdk_hooks import instrument, uninstrument
from tests.sdk_hooks.hooks.capture import Capture, capturing
from tests.sdk_hooks.hooks.openai_patterns import some_rounds
from tests.sdk_hooks.hooks.openrouter_patterns import asking, make_async, make_sync, streamed, streamed_async


@pytest.fixture
def bare(provider: Provider) -> OpenRouter:
    return make_sync(provider.base_url)


def test_instrument_imports_no_resource(bare: OpenRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A resource takes up to a second to import: only the host makes one, and then it is hooked.
    """
    imported: list[str] = []
    imports: Any = bare.dynamic_import
    monkeypatch.setattr(bare, "dynamic_import", lambda name: imported.append(name) or imports(name))
    client = instrument(bare)
    assert [] == imported
    assert client is bare
    assert ("OpenRouter", True) == (type(client).__name__, isinstance(client, OpenRouter))
    assert client.chat is client.chat
    assert ["openrouter.chat"] == imported
    with pytest.raises(AttributeError):
        client.no_such_resource  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_resources_that_were_made_before_are_hooked(bare: OpenRouter, capture: Capture) -> None:
    """
    Also where the host holds the resource, not the client.
    """
    chat, responses = bare.chat, bare.beta.responses
    instrument(instrument(bare, client_id="first"), client_id="second")
    chat.send(**asking())
    responses.send(model="openai/o3", input="Hello")
    assert ["second", "second"] == [event["clientId"] for event in capture.terminals()]


def test_uninstrument_leaves_the_client_as_it_was(provider: Provider, bare: OpenRouter, capture: Capture) -> None:
    """
    Class, attributes and methods; also of a resource that somebody else holds, or that is made afterwards.
    """
    attributes = set(vars(bare))
    client = instrument(bare)
    chat = client.chat
    signature = inspect.signature(OpenRouter(api_key="k", client=None).chat.send)
    assert signature == inspect.signature(chat.send)
    uninstrument(client)
    assert type(client) is OpenRouter
    assert attributes | {"chat"} == set(vars(client))
    assert "send" not in vars(chat)
    chat.send(**asking())
    client.embeddings.generate(model="m", input="one")
    assert [] == capture.events()


def test_every_client_from_now_on(provider: Provider, capture: Capture) -> None:
    """
    `instrument()` hooks whatever is made, with the SDK's own constructor or a host's subclass of it, until it is undone.
    """

    class Mine(OpenRouter):
        pass

    instrument()
    first = make_sync(provider.base_url)
    mine = Mine(server_url=provider.openrouter_url, client=first.sdk_configuration.client, retry_config=None)
    first.chat.send(**asking())
    mine.chat.send(**asking())
    assert ("Mine", True) == (type(mine).__name__, isinstance(mine, Mine))
    assert 2 == len(capture.terminals())
    uninstrument()
    first.chat.send(**asking())
    make_sync(provider.base_url).chat.send(**asking())
    assert 2 == len(capture.terminals())


def test_a_copied_client_is_recorded_once(bare: OpenRouter, capture: Capture) -> None:
    """
    A copy shares its resources with the original: wrapping both wraps them once.
    """
    client = instrument(bare)
    client.chat.send(**asking())
    instrument(copy.copy(client)).chat.send(**asking())
    assert 2 == len(capture.terminals())


def test_a_copy_that_makes_its_own_resources_is_recorded_like_its_original(bare: OpenRouter, capture: Capture) -> None:
    """
    Copied before the original has a resource; silent when the original is no longer recorded.
    """
    client = instrument(bare)
    copied = copy.copy(client)
    copied.chat.send(**asking())
    client.chat.send(**asking())
    assert 2 == len(capture.terminals())
    uninstrument(client)
    copied.chat.send(**asking())
    assert 2 == len(capture.terminals())


def test_models_as_arguments_read_as_they_are_sent(provider: Provider, bare: OpenRouter, capture: Capture) -> None:
    """
    Under the names of the wire, without what was not said; what the host changes afterwards is not seen.
    """
    messages = [ChatSystemMessage(role="system", content="Be short"), ChatUserMessage(role="user", content="Hello", name="Ann")]
    asked: Any = {"response_format": {"type": "json_object"}, "temperature": UNSET, "seed": None}
    instrument(bare).chat.send(model="m", messages=messages, timeout_ms=9_000, http_headers={"x-secret": "s"}, **asked)
    messages[1].content = "changed"
    started = capture.started()[0]
    assert provider.seen[-1].body["messages"] == started["messages"]
    assert {"response_format": {"type": "json_object"}} == started["modelOptions"]


def test_iterators_of_the_host_are_not_read(provider: Provider, bare: OpenRouter, capture: Capture) -> None:
    """
    What a generator will give is the provider's to hear, once; what can be read often is recorded.
    """
    client = instrument(bare)
    sent = [{"role": "user", "content": "Hello"}]
    once: Any = (message for message in sent)
    client.chat.send(model="m", messages=once)
    assert sent == provider.seen[-1].body["messages"]
    often: Any = deque(sent)
    client.chat.send(model="m", messages=often)
    first, second = capture.started()
    assert "messages" not in first
    assert "messageCount" not in first
    assert sent == second["messages"]


def test_price_of_the_provider_is_the_call_s_price(bare: OpenRouter, capture: Capture) -> None:
    """
    `usage.cost` arrives where the collector looks for it; its parts and `is_byok` are kept beside it, "unset" nowhere.
    """
    client = instrument(bare)
    told: Any = client.chat.send(**asking())
    list(streamed(client))
    calls = capture.terminals()
    assert 2 == len(calls)
    for call in calls:
        usage = read_usage(call["usage"])
        assert usage is not None
        assert told.usage.cost == usage.cost_usd
        details = call["usage"]["providerUsageDetails"]
        assert {"is_byok", "cost_details"} == set(details)
        parts = {"upstream_inference_prompt_cost", "upstream_inference_completions_cost"}
        assert parts == set(details["cost_details"])


def test_thoughts_are_recorded(bare: OpenRouter, capture: Capture) -> None:
    """
    The reasoning of a whole answer is in its end, that of a stream in its chunks; neither is part of the text.
    """
    client = instrument(bare)
    told: Any = client.chat.send(**asking(reasoning={"effort": "low"}))
    list(streamed(client, reasoning={"effort": "low"}))
    whole, stream = capture.terminals()
    chunks = [event for event in capture.events() if event["type"] == "text:chunk:thinking"]
    thought = told.choices[0].message.reasoning
    assert thought == whole["reasoning"] == "".join(chunk["delta"] for event in chunks for chunk in event["chunks"])
    assert told.choices[0].message.content == whole["content"] == stream["content"]


def test_error_in_the_stream_keeps_what_came(bare: OpenRouter, capture: Capture) -> None:
    """
    The host gets a chunk like any other and no exception; the call has the provider's code and message, and the text so far.
    """
    assert "error" == list(streamed(instrument(bare), "[break:4]"))[-1].choices[0].finish_reason
    call = capture.only_terminal()
    assert {"name": "502", "message": "the stream broke"} == call["error"]
    assert ("error", "You asked: nothing") == (call["finishReason"], call["content"])


@pytest.mark.parametrize("is_closed", [False, True])
def test_async_stream_that_was_left_ends_the_call_at_once(provider: Provider, capture: Capture, is_closed: bool) -> None:
    """
    While the stream is kept and the event loop runs on: not only when the loop ends and closes what is open.
    """

    async def peek() -> Any:
        async with make_async(provider.base_url) as client:
            stream = await streamed_async(instrument(client), "[words:50]")
            if is_closed:
                await anext(stream)
                await stream.close()
            else:
                async for _ in stream:
                    break
                await some_rounds()
            return capture.only_terminal()["type"], type(stream).__name__

    assert ("text:request:aborted", "EventStreamAsync") == asyncio.run(peek())


def test_other_activities_say_what_they_are(bare: OpenRouter, capture: Capture) -> None:
    """
    Speech, ranking and video have the fields of their events; sent audio is not kept.
    """
    client = instrument(bare)
    spoken = client.tts.create_speech(model="m", input=[{"text": "One", "voice": "a"}, {"text": "two", "voice": "b"}]).read()
    sent: Any = {"data": "AAAA", "format": "wav"}
    client.stt.create_transcription(model="m", input_audio=sent, language="en")
    client.rerank.rerank(model="m", query="Which?", documents=["one", "two", "three"], top_n=2)
    client.video_generation.generate(model="m", prompt="a film", duration=5)
    client.video_generation.get_generation(job_id="job-1")
    started = {event["type"].split(":")[0]: event for event in capture.started()}
    speech, heard, ranked, made, polled = capture.terminals()
    assert ("One two", "mp3", True) == (started["speech"]["text"], speech["format"], len(spoken) > 0)
    assert ("en", "A call was made here.") == (started["transcription"]["language"], heard["text"])
    assert "AAAA" not in str(capture.events())
    assert (3, 2, 0.002) == (ranked["documentCount"], ranked["resultCount"], ranked["usage"]["cost"])
    assert ("create", "job-fake", "pending") == (made["requestType"], made["jobId"], made["status"])
    assert ("status", "job-1", "completed") == (polled["requestType"], polled["jobId"], polled["status"])


def test_without_content_nothing_said_is_sent(bare: OpenRouter) -> None:
    """
    Names, counts and the price only: also of what no other hook has, like thoughts and a ranking's question.
    """
    with capturing(capture_content=False) as capture:
        client = instrument(bare)
        client.chat.send(**asking("private", reasoning={"effort": "low"}))
        list(streamed(client, "private", reasoning={"effort": "low"}))
        client.rerank.rerank(model="m", query="private", documents=["private"])
        client.video_generation.generate(model="m", prompt="private")
        recorded = str(capture.events())
        assert 4 == len(capture.terminals())
    assert [] == [word for word in ("private", "about", "You asked", "forty-two") if word in recorded]
    assert "'cost'" in recorded


def test_what_is_no_client_is_left_alone(bare: OpenRouter) -> None:
    """
    A resource is none, though it comes out of the same package.
    """
    chat = bare.chat
    instrument(chat)
    assert "send" not in vars(chat)
