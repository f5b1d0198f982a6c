"""
What is special to the litellm hook: functions in place of a client, clients of other SDKs below, keys among the arguments.

Needs litellm, and so an environment of its own: `test_elsewhere` runs it there, and by its name it is run nowhere else.
"""

import asyncio
import inspect
from typing import Any

import pytest

from collector.demo.provider import Provider
from sdk_hooks import instrument, uninstrument
from tests.sdk_hooks.hooks.capture import Capture, capturing
from tests.sdk_hooks.hooks.litellm_patterns import asking, litellm, make_sync, streamed, text_of

acompletion, completion = litellm.acompletion, litellm.completion

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(autouse=True)
def sdk(provider: Provider) -> Any:
    return make_sync(provider.base_url)


def test_functions_that_were_imported_before_are_recorded(capture: Capture) -> None:
    """
    `from litellm import completion` at the top of a host's module: the function is the same object, and its calls are recorded.
    """
    signature = inspect.signature(completion)
    assert instrument(litellm) is litellm
    assert litellm.completion is completion
    assert signature == inspect.signature(completion)
    assert inspect.iscoroutinefunction(acompletion)
    completion(**asking())
    asyncio.run(acompletion(**asking()))
    assert ["completed", "completed"] == [event["type"].rpartition(":")[2] for event in capture.terminals()]


def test_uninstrument_leaves_the_functions_as_they_were(capture: Capture) -> None:
    """
    The same code objects as before, however often it was instrumented; nothing is recorded then.
    """
    signature, names = inspect.signature(litellm.moderation), set(vars(litellm.moderation))
    covered = (litellm.completion, litellm.acompletion, litellm.embedding, litellm.main.completion)
    before = [function.__code__ for function in covered]
    instrument(litellm, client_id="first")
    instrument(litellm, client_id="second")
    litellm.completion(**asking())
    assert "second" == capture.only_terminal()["clientId"]
    assert signature == inspect.signature(litellm.moderation)
    uninstrument(litellm)
    assert before == [function.__code__ for function in covered]
    assert names == set(vars(litellm.moderation))
    litellm.completion(**asking())
    assert 1 == len(capture.terminals())


def test_uninstrument_reaches_below_another_tool(capture: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Another tool has put its own function into the place of the one that is covered: that stays, and ours falls silent below it.
    """
    instrument(litellm)
    below, seen = litellm.completion, []

    def theirs(*args: Any, **kwargs: Any) -> Any:
        seen.append("theirs")
        return below(*args, **kwargs)

    with monkeypatch.context() as patching:
        patching.setattr(litellm, "completion", theirs)
        litellm.completion(**asking())
        assert capture.only_terminal()
        uninstrument(litellm)
        assert theirs is litellm.completion
        litellm.completion(**asking())
        assert 1 == len(capture.terminals())
        instrument(litellm)
        litellm.completion(**asking())
        assert 2 == len(capture.terminals())
    uninstrument(litellm)
    below(**asking())
    assert ["theirs"] * 3 == seen
    assert 2 == len(capture.terminals())


def test_the_clients_below_are_silent(capture: Capture) -> None:
    """
    With every SDK recorded, litellm's call is one call: not one more of the openai client that it uses, nor of its own
    functions that it calls. A client of the host's is recorded as ever.
    """
    from openai import OpenAI

    instrument()
    litellm.completion(**asking())
    text_of(streamed(litellm))
    asyncio.run(litellm.acompletion(**asking()))
    litellm.text_completion(model="openai/gpt-4o-mini", prompt="Hello", **place())
    assert 4 == len(capture.terminals())
    OpenAI(base_url=place()["api_base"], api_key="k").embeddings.create(model="m", input="a")
    assert 5 == len(capture.terminals())


def place() -> Any:
    return {name: value for name, value in asking().items() if name in ("api_base", "api_key")}


def test_provider_and_model_are_told_apart(capture: Capture) -> None:
    """
    From the name's prefix, an argument, or where litellm looks a bare name up; as OpenTelemetry names providers.
    """
    instrument(litellm)
    names = ("openai/gpt-4o-mini", "gpt-4o", "vertex_ai/gemini-2.0-flash", "xai/grok-4", "openrouter/openai/gpt-4o")
    for name in names:
        litellm.completion(model=name, messages=[{"role": "user", "content": "Hi"}], mock_response="yes")
    litellm.completion(model="mine", custom_llm_provider="openai", messages=[], mock_response="yes")
    assert [
        ("openai", "gpt-4o-mini"),
        ("openai", "gpt-4o"),
        ("gcp.vertex_ai", "gemini-2.0-flash"),
        ("x_ai", "grok-4"),
        ("openrouter", "openai/gpt-4o"),
        ("openai", "mine"),
    ] == [(event["provider"], event["model"]) for event in capture.started()]


def test_keys_and_addresses_are_never_recorded(capture: Capture) -> None:
    """
    Whatever a host gives along: only arguments that are known to say nothing secret are in the events.
    """
    instrument(litellm)
    address = place()["api_base"].replace("://", "://user:hidden-1@")
    secrets = {
        "api_key": "hidden-2",
        "extra_headers": {"x-token": "hidden-3"},
        "headers": {"x-other": "hidden-4"},
        "aws_secret_access_key": "hidden-5",
        "vertex_credentials": "hidden-6",
        "metadata": {"trace": "hidden-7"},
        "fallbacks": [{"model": "openai/gpt-4o", "api_key": "hidden-8"}],
    }
    litellm.completion(**asking(temperature=0.5, mock_response="yes") | secrets | {"api_base": address})
    recorded = str(capture.events())
    assert "hidden" not in recorded
    assert {"temperature": 0.5, "max_retries": 0} == capture.started()[0]["modelOptions"]


def test_stream_has_its_chunks_and_the_usage_that_was_told(capture: Capture) -> None:
    """
    Without a usage from the provider there is none: litellm's zeros are not counts.
    """
    instrument(litellm)
    said = text_of(streamed(litellm))
    list(streamed(litellm, stream_options={"include_usage": True}))
    without, told = capture.terminals()
    assert said == without["content"] == told["content"]
    assert "usage" not in without
    assert told["usage"]["promptTokens"] + told["usage"]["completionTokens"] == told["usage"]["totalTokens"] > 0
    assert told["usage"]["promptTokensDetails"]["cachedTokens"] == 2
    chunks = [chunk for event in capture.events() if event["type"] == "text:chunk:content" for chunk in event["chunks"]]
    assert said * 2 == "".join(chunk["delta"] for chunk in chunks)


def test_tools_of_a_stream_are_told_apart(capture: Capture) -> None:
    """
    Their pieces are put together by index.
    """
    instrument(litellm)
    tool: Any = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
    whole = litellm.completion(**asking("[tools:2]", tools=[tool]))
    list(streamed(litellm, "[tools:2]", tools=[tool]))
    first, second = capture.terminals()
    asked_for = [(call.id, call.function.name) for call in whole.choices[0].message.tool_calls]
    assert asked_for == [(call["id"], call["function"]["name"]) for call in first["toolCalls"]]
    assert first["toolCalls"] == second["toolCalls"]
    assert ["look_up"] == capture.started()[0]["toolNames"]


def test_callbacks_of_the_host_still_run(capture: Capture) -> None:
    """
    litellm's own logging is left alone.
    """
    heard: list[str] = []
    litellm.input_callback = [lambda details: heard.append(details["model"])]
    try:
        instrument(litellm)
        litellm.completion(**asking())
    finally:
        litellm.input_callback = []
    assert ["gpt-4o-mini"] == heard
    assert 1 == len(capture.terminals())


def test_without_content_nothing_said_is_sent() -> None:
    """
    Names, counts and sizes only.
    """
    with capturing(capture_content=False) as capture:
        instrument(litellm)
        litellm.completion(**asking("private"))
        text_of(streamed(litellm, "private"))
        litellm.embedding(model="openai/text-embedding-3-small", input=["private"], **place())
        recorded = str(capture.events())
        assert 3 == len(capture.terminals())
    assert [] == [word for word in ("private", "You asked", "forty-two") if word in recorded]
    assert "totalTokens" in recorded


def test_what_is_not_litellm_is_left_alone() -> None:
    """
    A Router is no client of ours: it calls litellm's functions.
    """
    before = litellm.completion.__code__
    instrument(litellm.Router(model_list=[]))
    assert before is litellm.completion.__code__
