"""
What the openai hook records, beyond the contract of every hook.
"""

import asyncio
import base64
import copy
import gc
import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, AzureOpenAI, OpenAI

from collector.demo.provider import Provider
from sdk_hooks import instrument, session, uninstrument
from tests.sdk_hooks.hooks.capture import Capture, capturing
from tests.sdk_hooks.hooks.openai_patterns import DRAW, MODEL, TOOL, asking, text_of


@pytest.fixture
def client(provider: Provider, capture: Capture) -> OpenAI:
    return instrument(OpenAI(base_url=provider.base_url, api_key="not-a-key", max_retries=1))


def test_chat_is_recorded_with_request_and_usage(client: OpenAI, capture: Capture) -> None:
    """
    Messages as sent, options, tools offered; answer, finish reason, usage with its details, response model and id.
    """
    answer = client.chat.completions.create(**asking(), temperature=0.5, tools=[TOOL], extra_body={"top_k": 3})
    started, terminal = capture.started()[0], capture.only_terminal()
    assert asking()["messages"] == started["messages"]
    assert {"temperature": 0.5, "top_k": 3} == started["modelOptions"]
    assert ["look_up"] == started["toolNames"]
    assert (1, True, False) == (started["messageCount"], started["hasTools"], started["streaming"])
    assert ("openai", MODEL) == (terminal["provider"], terminal["model"])
    assert (answer.model, answer.id) == (terminal["responseModel"], terminal["responseId"])
    assert "tool_calls" == terminal["finishReason"]
    assert answer.usage
    assert answer.usage.total_tokens == terminal["usage"]["totalTokens"]
    assert {"cachedTokens": 2, "audioTokens": 0} == terminal["usage"]["promptTokensDetails"]


def test_request_is_copied_when_it_is_sent(client: OpenAI, capture: Capture) -> None:
    """
    What the host changes after the call does not change the record.
    """
    messages: Any = [{"role": "user", "content": "first"}]
    client.chat.completions.create(model=MODEL, messages=messages)
    messages[0]["content"] = "second"
    messages.append({"role": "user", "content": "third"})
    assert [{"role": "user", "content": "first"}] == capture.started()[0]["messages"]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_answer_is_copied_when_it_comes(client: OpenAI, capture: Capture, api: str) -> None:
    """
    What the host changes of its answer (text, counts added up in the first usage) does not change the record.
    """
    answer: Any
    if api == "chat":
        answer = client.chat.completions.create(**asking())
        text, total, cached = answer.choices[0].message.content, answer.usage.total_tokens, "prompt_tokens_details"
        answer.choices[0].message.content = "changed"
        answer.choices[0].finish_reason = "length"
    else:
        answer = client.responses.create(model=MODEL, input="hello")
        text, total, cached = answer.output_text, answer.usage.total_tokens, "input_tokens_details"
        answer.output[0].content[0].text = "changed"
        answer.status = "incomplete"
    counted = getattr(answer.usage, cached).cached_tokens
    getattr(answer.usage, cached).cached_tokens = 1_000_000
    answer.usage.total_tokens = 1_000_000
    answer.model = answer.id = "changed"

    terminal = capture.only_terminal()
    assert (text, "stop") == (terminal["content"], terminal["finishReason"])
    assert (total, counted) == (terminal["usage"]["totalTokens"], terminal["usage"]["promptTokensDetails"]["cachedTokens"])
    assert "changed" not in (terminal["responseModel"], terminal["responseId"])


def test_answer_of_the_last_turn_is_recorded_as_a_message(client: OpenAI, capture: Capture) -> None:
    """
    An SDK object among the messages, as agents send it back, is recorded with its content.
    """
    first = client.chat.completions.create(**asking())
    messages: Any = [*asking()["messages"], first.choices[0].message]
    client.chat.completions.create(model=MODEL, messages=messages)
    assert first.choices[0].message.content == capture.started()[1]["messages"][1]["content"]


def test_stream_is_recorded_by_its_chunks(client: OpenAI, capture: Capture) -> None:
    """
    Chunks join to the text; time to the first one is inside the duration; usage comes from the last chunk.
    """
    text = text_of(client.chat.completions.create(**asking("[slow:5]"), stream=True, stream_options={"include_usage": True}))
    terminal = capture.only_terminal()
    chunks = [piece for event in capture.events() if event["type"] == "text:chunk:content" for piece in event["chunks"]]
    assert text == "".join(piece["delta"] for piece in chunks) == terminal["content"]
    assert 0 < terminal["timeToFirstChunk"] < terminal["duration"]
    assert "totalTokens" in terminal["usage"]


def test_peeking_is_not_leaving(client: OpenAI, capture: Capture) -> None:
    """
    A loop that stops at the first chunk and another one that reads the rest are one completed call.
    """
    stream = client.chat.completions.create(**asking(), stream=True)
    for _ in stream:
        break
    rest = text_of(stream)
    terminal = capture.only_terminal()
    assert "text:request:completed" == terminal["type"]
    assert rest == terminal["content"]


def test_stream_without_usage_has_none(client: OpenAI, capture: Capture) -> None:
    """
    A usage that the provider did not send is absent, not zero.
    """
    text_of(client.chat.completions.create(**asking(), stream=True))
    assert "usage" not in capture.only_terminal()


def test_repeated_index_with_a_new_id_is_a_new_tool_call(client: OpenAI, capture: Capture) -> None:
    """
    Two calls that share index 0 stay two, each with its own arguments.
    """
    list(client.chat.completions.create(**asking("[tools:2] [same-index]"), tools=[TOOL], stream=True))
    calls = capture.only_terminal()["toolCalls"]
    assert ["call_0", "call_1"] == [call["id"] for call in calls]
    assert {'{"city": "Paris"}'} == {call["function"]["arguments"] for call in calls}


def test_several_choices_keep_their_reasons_apart(client: OpenAI, capture: Capture) -> None:
    """
    One finish reason a choice; chunks of another choice than the first say so.
    """
    list(client.chat.completions.create(**asking(), n=2, stream=True))
    assert ["stop", "stop"] == capture.only_terminal()["finishReasons"]
    assert {0, 1} == {event.get("choice", 0) for event in capture.events() if event["type"] == "text:chunk:content"}


@pytest.mark.parametrize("streamed", [False, True])
def test_image_in_a_response_is_a_call_of_its_own(client: OpenAI, capture: Capture, streamed: bool) -> None:
    """
    Its requestId is the response's and the item's; it has its bytes and a duration, and does not end the response.
    """
    answer = client.responses.create(model=MODEL, input="Draw", tools=[DRAW], stream=streamed)  # pyright: ignore
    _ = list(answer) if streamed else None
    terminals = {event["type"]: event for event in capture.terminals()}
    image, text = terminals["image:request:completed"], terminals["text:request:completed"]
    assert f"{text['requestId']}/ig_0" == image["requestId"]
    assert text["requestId"] == image["parentRequestId"]
    assert base64.b64decode(image["images"][0]["b64Json"]).startswith(b"\x89PNG")
    assert 0 < image["duration"] <= text["duration"]
    assert text["content"].startswith("You asked: Draw")


def test_response_stream_keeps_thinking_tools_and_usage(client: OpenAI, capture: Capture) -> None:
    """
    Reasoning is not text; tool arguments are joined; the prompt's total includes what was cached.
    """
    tool: Any = {"type": "function", **TOOL["function"], "strict": False}
    list(client.responses.create(model=MODEL, input="Look", tools=[tool], reasoning={"effort": "low"}, stream=True))
    terminal = capture.only_terminal()
    thinking = [event for event in capture.events() if event["type"] == "text:chunk:thinking"]
    assert "First I think about what was asked." == "".join(piece["delta"] for piece in thinking[0]["chunks"])
    assert '{"city": "Paris"}' == terminal["toolCalls"][0]["function"]["arguments"]
    assert "tool_calls" == terminal["finishReason"]
    assert {"cachedTokens": 4, "cacheWriteTokens": 2} == terminal["usage"]["promptTokensDetails"]
    assert 9 == terminal["usage"]["completionTokensDetails"]["reasoningTokens"]


def test_failed_status_is_an_error(client: OpenAI, capture: Capture) -> None:
    """
    A response that failed is an error, though the host gets no exception; what was seen stays with it.
    """
    client.responses.create(model=MODEL, input="[failed]")
    terminal = capture.only_terminal()
    assert ("text:request:error", "server_error") == (terminal["type"], terminal["error"]["name"])
    assert "usage" in terminal


def test_raw_stream_is_read_from_its_bytes(client: OpenAI, capture: Capture) -> None:
    """
    Lines that the host reads itself are recorded with text, finish reason and time to the first of them.
    """
    with client.chat.completions.with_streaming_response.create(**asking(), stream=True) as response:
        list(response.iter_lines())
    terminal = capture.only_terminal()
    assert terminal["content"].startswith("You asked: Hello")
    assert "stop" == terminal["finishReason"]
    assert 0 < terminal["timeToFirstChunk"] <= terminal["duration"]


def test_every_attempt_is_one_call(client: OpenAI, provider: Provider, capture: Capture) -> None:
    """
    Retries are inside the call: two requests on the wire, one pair of events.
    """
    before = len(provider.seen)
    client.chat.completions.create(**asking("[flaky:500]"))
    assert 2 == len(provider.seen) - before
    assert capture.only_terminal()["type"].endswith(":completed")


def test_azure_says_so(provider: Provider, capture: Capture) -> None:
    """
    The provider of an Azure client is Azure.
    """
    azure = instrument(AzureOpenAI(azure_endpoint=provider.origin, api_key="not-a-key", api_version="2024-10-21"))
    azure.chat.completions.create(**asking())
    assert "azure.ai.openai" == capture.only_terminal()["provider"]


def test_client_stays_what_it_was(provider: Provider, capture: Capture) -> None:
    """
    The same object of the same type; methods keep their signatures, and what was async stays so.
    """
    bare = OpenAI(base_url=provider.base_url, api_key="not-a-key")
    signature = inspect.signature(bare.with_options)
    assert bare is instrument(bare)
    assert OpenAI is type(bare)
    assert signature == inspect.signature(bare.with_options)
    assert inspect.iscoroutinefunction(instrument(AsyncOpenAI(api_key="not-a-key")).request)


def test_wrapping_twice_wraps_once(client: OpenAI, capture: Capture) -> None:
    """
    A notebook cell that is run again changes settings, and does not count calls twice.
    """
    instrument(client, client_id="second")
    client.chat.completions.create(**asking())
    assert "second" == capture.only_terminal()["clientId"]


def test_copies_carry_the_settings(client: OpenAI, capture: Capture) -> None:
    """
    A client made by `with_options` is recorded like the one it comes from, inside the session of the caller.
    """
    instrument(client, client_id="shop")
    with session(user_id="ada"):
        client.with_options(timeout=5).chat.completions.create(**asking())
    terminal = capture.only_terminal()
    assert ("shop", "ada") == (terminal["clientId"], terminal["userId"])


COPYING: dict[str, Callable[[Any], Any]] = {
    "copy.copy": copy.copy,
    "copy": lambda client: client.copy(),
    "with_options": lambda client: client.with_options(timeout=5),
    "copy.copy of a copy": lambda client: copy.copy(client.with_options(timeout=5)),
    "a copy of copy.copy": lambda client: copy.copy(client).copy(),
}


@pytest.mark.parametrize("how", COPYING)
def test_copies_are_clients_of_their_own(client: OpenAI, capture: Capture, how: str) -> None:
    """
    What a copy is given later (address, key) it uses; each of its calls is recorded once, instrumented again too, and goes on
    being so when the original is recorded no more. Once it is not either, nothing of ours is left.
    """
    copied = COPYING[how](client)
    address = client.base_url
    copied.base_url = "http://127.0.0.1:9/v1"
    with pytest.raises(openai.APIConnectionError):
        copied.with_options(max_retries=0).chat.completions.create(**asking())
    copied.base_url = address
    instrument(copied)
    uninstrument(client)
    client.chat.completions.create(**asking())
    copied.chat.completions.create(**asking())
    assert ["error", "completed"] == [event["type"].rpartition(":")[2] for event in capture.terminals()]
    uninstrument(copied)
    copied.chat.completions.create(**asking())
    assert 2 == len(capture.terminals())
    assert not [name for name in vars(copied) if "hookline" in name or name in ("request", "copy", "with_options")]
    uninstrument()
    assert not hasattr(OpenAI, "__copy__")


def test_copy_has_what_its_client_has(capture: Capture) -> None:
    """
    Who compares a client's attributes with those of its copy finds the differences that bare ones have, and none because of us;
    but two that are recorded in different ways are not alike, and a deep copy of what they have is still it.
    """

    def differing(client: OpenAI, copied: OpenAI) -> set[str]:
        return {name for name in vars(client) | vars(copied) if vars(client).get(name) != vars(copied).get(name)}

    bare, hooked = OpenAI(api_key="not-a-key"), instrument(OpenAI(api_key="not-a-key"), client_id="shop")
    assert differing(bare, bare.copy()) == differing(hooked, hooked.copy()) == differing(hooked, copy.copy(hooked))
    assert {"_hookline"} == differing(hooked, instrument(hooked.copy(), client_id="other")) - differing(bare, bare.copy())
    ours = vars(hooked)["request"]
    assert ours is copy.copy(ours) is copy.deepcopy(ours)
    assert 1 == len({ours, vars(hooked.copy())["request"]})
    assert vars(hooked)["copy"] not in (ours, bare.copy)


async def _ask(client: AsyncOpenAI) -> None:
    await client.chat.completions.create(**asking())


def test_copies_of_async_clients_are_clients_of_their_own(provider: Provider, capture: Capture) -> None:
    """
    The same for an async client; and a copy of one that is not instrumented is not recorded, though another one is.
    """
    hooked = instrument(AsyncOpenAI(base_url=provider.base_url, api_key="not-a-key"))
    bare = AsyncOpenAI(base_url=provider.base_url, api_key="not-a-key")

    async def both() -> None:
        await _ask(copy.copy(hooked))
        await _ask(copy.copy(bare))

    asyncio.run(both())
    assert capture.only_terminal()


def test_uninstrument_leaves_the_client_as_it_was(client: OpenAI, capture: Capture) -> None:
    """
    No attribute of ours stays, and nothing is recorded any more.
    """
    uninstrument(client)
    client.chat.completions.create(**asking())
    assert not [name for name in vars(client) if "hookline" in name or name in ("request", "copy", "with_options")]
    assert [] == capture.events()


def test_instrument_without_a_client_hooks_those_to_come(provider: Provider, capture: Capture) -> None:
    """
    Every client made afterwards is recorded, once; `uninstrument()` ends that, for the clients made meanwhile too.
    """
    before = OpenAI.__init__
    instrument()
    instrument()
    made = OpenAI(base_url=provider.base_url, api_key="not-a-key")
    made.chat.completions.create(**asking())
    assert capture.only_terminal()
    uninstrument()
    made.chat.completions.create(**asking())
    OpenAI(base_url=provider.base_url, api_key="not-a-key").chat.completions.create(**asking())
    assert before is OpenAI.__init__
    assert 1 == len(capture.terminals())


def test_module_level_client_is_recorded(provider: Provider, capture: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `openai.chat.completions.create` has a client of its own, made at its first use.
    """
    module: Any = openai
    module._reset_client()
    monkeypatch.setattr(openai, "api_key", "not-a-key")
    # The SDK wants the slash at its end.
    monkeypatch.setattr(openai, "base_url", f"{provider.base_url}/")
    instrument(openai)
    openai.chat.completions.create(**asking())
    assert capture.only_terminal()
    uninstrument(openai)
    openai.chat.completions.create(**asking())
    assert 1 == len(capture.terminals())
    module._reset_client()


@pytest.mark.parametrize("everything", [False, True])
def test_module_level_client_of_azure_is_recorded(
    provider: Provider, capture: Capture, monkeypatch: pytest.MonkeyPatch, *, everything: bool
) -> None:
    """
    Its class has two parents and no constructor of its own: it takes what AzureOpenAI takes, as if nothing of ours stood there.
    """
    module: Any = openai
    module._reset_client()
    settings = {"api_type": "azure", "api_key": "not-a-key", "api_version": "2024-10-21", "azure_endpoint": provider.origin}
    for name, value in settings.items():
        monkeypatch.setattr(openai, name, value)
    if everything:
        instrument()
    else:
        instrument(openai)
    openai.chat.completions.create(**asking())
    assert "azure.ai.openai" == capture.only_terminal()["provider"]
    uninstrument()
    uninstrument(openai)
    module._reset_client()


def test_streams_are_not_kept(client: OpenAI, capture: Capture) -> None:
    """
    A stream that was read to its end is collected like a bare one.
    """
    import weakref

    stream = client.chat.completions.create(**asking(), stream=True)
    text_of(stream)
    watched = weakref.ref(stream)
    del stream
    gc.collect()
    assert watched() is None


def test_a_shape_that_is_not_known_ends_the_call_all_the_same(provider: Provider) -> None:
    """
    Where an answer can't be read, the host gets it as it is and the call still ends.
    """
    from sdk_hooks.guard import raise_for_tests

    with capturing() as capture:
        raise_for_tests(False)
        client = instrument(OpenAI(base_url=provider.base_url, api_key="not-a-key"))
        answer = client.post("/chat/completions", body=asking(), cast_to=object)
        assert "choices" in answer  # pyright: ignore[reportOperatorIssue]
        assert capture.only_terminal()["type"] == "text:request:completed"


def test_stream_that_outlives_the_interpreter_says_nothing():
    """A stream that is dropped when our modules' names are gone already: nothing on the host's error output."""
    code = """
import ctypes, sys, types
early = sys.modules["early"] = types.ModuleType("early")
from sdk_hooks.hooks.stainless.streams import watch
class Response:
    def close(self): ...
class Stream:
    def __init__(self):
        self._iterator, self.response = iter("abc"), Response()
    def __iter__(self):
        yield from self._iterator
class Notes:
    def item(self, item): ...
    def resumed(self): ...
    def left(self): ...
stream = Stream()
watch(stream, Notes())
loop = iter(stream)
next(loop)
# Names of modules that somebody still holds go in the reverse order of their import: ours before the early one's.
early.kept = stream, loop
ours = [sys.modules["sdk_hooks.hooks.stainless." + name] for name in ("streams", "classes", "loops")]
for module in (early, *ours):
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(module))
del stream, loop
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False)
    assert (0, "") == (ended.returncode, ended.stderr)
