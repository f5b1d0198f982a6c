"""
Which runs of openai-agents are recorded, and what must not change of the SDK.
"""

import gc
import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import agents
import pytest
from agents import (
    Agent,
    InputGuardrail,
    Model,
    ModelProvider,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    Usage,
)
from agents.run import AgentRunner
from agents.run_internal import run_loop, tool_execution, turn_resolution
from agents.tracing import add_trace_processor, set_trace_processors
from agents.tracing.processor_interface import TracingProcessor
from openai import AsyncOpenAI

from collector.demo.provider import Provider
from sdk_hooks import instrument, registry, tested, uninstrument
from sdk_hooks.arriving import ARRIVALS
from sdk_hooks.config import NO_LAYER
from sdk_hooks.hooks import agents as hook
from sdk_hooks.hooks import agents_places
from sdk_hooks.registry import Row
from tests.sdk_hooks.hooks.agents_hosts import QUIET, Echo, make_client, of_type, responses
from tests.sdk_hooks.hooks.agents_patterns import agent, guard_with, look_up
from tests.sdk_hooks.hooks.capture import capturing


@pytest.fixture
def client(provider: Provider) -> AsyncOpenAI:
    return make_client(provider)


# -- which runs -----------------------------------------------------------------------------------------------------------


async def test_only_what_was_asked_for(client: AsyncOpenAI) -> None:
    """
    One agent, one run config, one model or one provider: nothing else is recorded, though all share the Runner.
    """

    class Own(ModelProvider):
        def get_model(self, model_name: str | None) -> Model:
            return responses(client)

    async def started_by(asked: Any, **run: Any) -> list[str]:
        with capturing() as capture:
            assert instrument(asked) is asked
            await Runner.run(agent(model=responses(client)), "another's", run_config=QUIET)
            await Runner.run(run.get("who") or agent(), "asked for", run_config=run.get("config") or QUIET)
            return [event["type"].partition(":")[0] for event in capture.started()]

    guide, model, own = agent(model=responses(client)), responses(client), Own()
    config = RunConfig(tracing_disabled=True, model=responses(client))
    assert ["agent", "text"] == await started_by(guide, who=guide)
    assert ["agent", "text"] == await started_by(config, config=config)
    assert ["text"] == await started_by(model, who=agent(model=model))
    assert ["text"] == await started_by(own, config=RunConfig(tracing_disabled=True, model_provider=own))


async def test_settings_of_an_agent_reach_all_of_its_run(client: AsyncOpenAI) -> None:
    """
    What was given with the agent holds for the run's model calls and tools; the newer word wins.
    """
    with capturing() as capture:
        guide = agent(model=responses(client), tools=[look_up])
        instrument(guide, thread_id="old")
        instrument(guide, thread_id="t1")
        await Runner.run(guide, "Hello", run_config=QUIET)
        assert {"t1"} == {event.get("threadId") for event in capture.events()}


async def test_content_left_out(client: AsyncOpenAI) -> None:
    """
    Without content neither prompts nor answers, nor a tool's input, are told; names and counts are.
    """
    with capturing(capture_content=False) as capture:
        guards = [guard_with(InputGuardrail, trips=False)]
        guide = instrument(agent(model=responses(client), tools=[look_up], input_guardrails=guards))
        await Runner.run(guide, "my secret", run_config=QUIET)
        told = str(capture.events())
        assert "look_up" in told
        assert not [word for word in ("my secret", "Paris", "Be short", "forty-two", "looked") if word in told]


def test_uninstrument_leaves_the_sdk_as_it_was(client: AsyncOpenAI) -> None:
    """
    Every function and method is the SDK's own again, once nothing is to be recorded any more, and not before.
    """
    places = (
        AgentRunner,
        OpenAIResponsesModel,
        OpenAIChatCompletionsModel,
        InputGuardrail,
        run_loop,
        tool_execution,
        turn_resolution,
    )
    before = [dict(vars(place)) for place in places]
    guide, model = agent(), responses(client)
    with capturing():
        instrument(agents)
        instrument(guide)
        uninstrument()
        assert before == [dict(vars(place)) for place in places]
        instrument(guide)
        instrument(model)
        uninstrument(guide)
        assert before != [dict(vars(place)) for place in places]
        uninstrument(model)
        assert before == [dict(vars(place)) for place in places]
    assert "_hookline" not in str([vars(guide), vars(model)])


def test_whatever_the_host_calls_the_runner_by() -> None:
    """
    A subclass, an instance, and a method that the host took before anything was instrumented.
    """

    class Mine(Runner):
        pass

    taken = Runner.run_sync
    with capturing() as capture:
        instrument(agents)
        for run in (Mine.run_sync, Runner().run_sync, taken):
            run(agent(model=Echo(Usage())), "Hello", run_config=QUIET)
        assert 3 == len(of_type(capture, "agent:request:completed")) == len(of_type(capture, "agent:request:started"))


# -- what must not change -------------------------------------------------------------------------------------------------


class Spans(TracingProcessor):
    """The SDK's own spans, by kind."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def on_trace_start(self, trace: Any) -> None: ...
    def on_trace_end(self, trace: Any) -> None: ...
    def on_span_start(self, span: Any) -> None: ...
    def on_span_end(self, span: Any) -> None:
        self.kinds.append(span.span_data.type)

    def shutdown(self) -> None: ...
    def force_flush(self) -> None: ...


async def test_the_sdks_own_tracing_is_unchanged(client: AsyncOpenAI) -> None:
    """
    The same spans in the same order, recorded or not.
    """
    set_trace_processors([])
    spans = Spans()
    add_trace_processor(spans)
    try:
        guide = agent(model=responses(client), tools=[look_up], input_guardrails=[guard_with(InputGuardrail, trips=False)])
        await Runner.run(guide, "Hello")
        bare, spans.kinds = spans.kinds, []
        with capturing():
            instrument(agents)
            await Runner.run(guide, "Hello")
        assert "function" in bare
        assert sorted(bare) == sorted(spans.kinds)
    finally:
        set_trace_processors([])


async def test_another_version_records_less_and_says_so(
    client: AsyncOpenAI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A function that is gone costs its events and one line of the log; nothing raises, and the rest is recorded.
    """
    caplog.set_level(logging.WARNING, "hookline")
    kept = [place for place in agents_places.PLACES if place.name != "get_model"]
    gone = agents_places.Place("agents.run_internal.run_loop", "", "no_such_function", kept[0].begin)
    monkeypatch.setattr(agents_places, "PLACES", (*kept, gone))
    monkeypatch.setattr(tested, "_told", set[str]())
    monkeypatch.setattr(tested, "_lacking", dict[str, list[str]]())
    with capturing() as capture:
        instrument(agents)
        instrument(agents)
        await Runner.run(agent(model=responses(client)), "Hello", run_config=QUIET)
        assert ["agent:request:started", "text:request:started"] == [event["type"] for event in capture.started()]
    assert 1 == caplog.text.count("agents.run_internal.run_loop.no_such_function")


def test_hosts_own_package_of_the_name_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    `agents` is a word that a host may have used: such a package finds no hook, imported before or after.
    """
    for name in ("hosts_agents", "later_agents"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    import_module("hosts_agents")
    row = registry.HOOKS["openai-agents"]
    rows = {name: Row(name, row.module, row.tested, proof=row.proof) for name in ("hosts_agents", "later_agents")}
    monkeypatch.setattr(registry, "HOOKS", rows)
    monkeypatch.setattr(registry, "load", lambda _: pytest.fail("not ours"))  # pyright: ignore[reportUnknownLambdaType]

    instrument()
    import_module("later_agents")
    assert ARRIVALS not in sys.meta_path


def test_hosts_own_module_of_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Neither does an object of such a package find a hook.
    """
    from types import ModuleType

    theirs = ModuleType("agents")
    monkeypatch.setitem(sys.modules, "agents", theirs)

    assert not hook.instrument(theirs, NO_LAYER)
    assert not hook.instrument(type("Agent", (), {"__module__": "agents.mine"})(), NO_LAYER)


def test_agent_that_is_gone_is_forgotten() -> None:
    """
    Nothing is kept of an agent that the host has dropped, and its number may be another's.
    """
    from sdk_hooks.hooks.agents_asked import ASKED

    with capturing():
        made: Agent[Any] | None = agent()
        instrument(made)
        assert not ASKED.is_empty()
        made = None
        gc.collect()
        assert ASKED.is_empty()
