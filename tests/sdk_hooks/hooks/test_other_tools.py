"""
Beside other tools that wrap the same SDK: what they put over ours stays, and `uninstrument` silences ours below it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

import pytest
from agents.run import AgentRunner
from google.genai._api_client import BaseApiClient
from openai import OpenAI
from openrouter import OpenRouter
from openrouter.chat import Chat

from collector.demo.provider import Provider
from sdk_hooks import instrument, uninstrument
from sdk_hooks.hooks.agents_places import hold_everything, release_everything
from sdk_hooks.hooks.stainless.clients import where_request_is
from tests.sdk_hooks.hooks import google_genai_patterns, openai_patterns, openrouter_patterns
from tests.sdk_hooks.hooks.capture import Capture


class Sdk(NamedTuple):
    """Where an SDK's clients are made, and one call with a client."""

    maker: Any
    make: Callable[[str], Any]
    ask: Callable[[Any], Any]


SDKS = {
    "openai": Sdk(
        where_request_is(OpenAI)[0],
        openai_patterns.make_sync,
        lambda client: client.chat.completions.create(**openai_patterns.asking()),
    ),
    "google-genai": Sdk(
        BaseApiClient,
        google_genai_patterns.make_sync,
        lambda client: client.models.generate_content(**google_genai_patterns.asking()),
    ),
    "openrouter": Sdk(
        OpenRouter,
        openrouter_patterns.make_sync,
        lambda client: client.chat.send(**openrouter_patterns.asking()),
    ),
}

CALLED: dict[str, tuple[Any, str]] = {
    "openai": (OpenAI, "request"),
    "google-genai": (BaseApiClient, "request"),
    "openrouter": (Chat, "send"),
}
"""Class and method that one call of a model goes through."""


def wrapped(owner: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What another tool does that comes after us; the list grows with each call that passes it."""
    below = getattr(owner, name)
    seen: list[str] = []

    @wraps(below)
    def theirs(*args: Any, **kwargs: Any) -> Any:
        seen.append(name)
        return below(*args, **kwargs)

    monkeypatch.setattr(owner, name, theirs)
    return seen


@pytest.mark.parametrize("name", SDKS)
def test_clients_made_after_uninstrument_are_left_alone(
    name: str, provider: Provider, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The other tool's wrapper around the constructor stays where it is, and goes on seeing what is made; we do not.
    """
    sdk = SDKS[name]
    with monkeypatch.context() as patching:
        instrument()
        seen = wrapped(sdk.maker, "__init__", patching)
        uninstrument()
        sdk.ask(sdk.make(provider.base_url))
        assert ["__init__"] == seen
        assert [] == capture.events()
        instrument(client_id="first")
        instrument(client_id="second")
        sdk.ask(sdk.make(provider.base_url))
        assert "second" == capture.only_terminal()["clientId"]
    uninstrument()


@pytest.mark.parametrize("name", CALLED)
def test_tool_that_wraps_the_class_after_us_sees_the_clients_there_are(
    name: str, provider: Provider, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A test that mocks the class would else send its requests for real, with a real key; a tracing tool would miss them.
    """
    kind, method = CALLED[name]
    sdk = SDKS[name]
    client = instrument(sdk.make(provider.base_url))
    sdk.ask(client)
    with monkeypatch.context() as patching:
        seen = wrapped(kind, method, patching)
        sdk.ask(client)
        assert [method] == seen
    sdk.ask(client)
    assert [method] == seen
    assert 3 == len(capture.terminals())


@pytest.mark.parametrize("name", ["openai", "google-genai"])
def test_client_wrapped_by_another_tool_is_silent_after_uninstrument(
    name: str, provider: Provider, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Ours can't be taken out from under the other tool's wrapper: it records nothing any more, and once when asked again.
    """
    sdk = SDKS[name]
    client = instrument(sdk.make(provider.base_url))
    seen = wrapped(getattr(client, "_api_client", client), "request", monkeypatch)
    uninstrument(client)
    sdk.ask(client)
    assert ["request"] == seen
    assert [] == capture.events()
    instrument(client)
    sdk.ask(client)
    assert capture.only_terminal()


def test_runner_wrapped_by_another_tool_is_held_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    openai-agents' places are looked at with every agent that is instrumented: ours does not pile up above the other tool's.
    """
    try:
        hold_everything()
        with monkeypatch.context() as patching:
            wrapped(AgentRunner, "run", patching)
            theirs = AgentRunner.run
            hold_everything()
            assert theirs is AgentRunner.run
            release_everything()
            hold_everything()
            assert theirs is AgentRunner.run
    finally:
        release_everything()
