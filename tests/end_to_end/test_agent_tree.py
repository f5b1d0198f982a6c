"""
An agent run with two tools, a handoff and a model call inside a tool, through a real collector: one trace, the right tree.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import agents
import openai
import pytest
from opentelemetry.sdk.trace import TracerProvider

from collector.demo.provider import start_provider
from sdk_hooks import instrument, session, uninstrument
from sdk_hooks.config import Config
from sdk_hooks.guard import raise_for_tests
from sdk_hooks.runtime import Runtime, use
from tests.fakes.running import Running, eventually, running_collector

MODEL = "gpt-4o-mini"
TRACER = TracerProvider().get_tracer("host")

# Name of a span -> name of its parent; the inner call's model is its own.
TREE = {
    "invoke_agent guide": None,
    "chat gpt-4o-mini": "invoke_agent guide",
    "execute_tool search": "invoke_agent guide",
    "execute_tool price": "invoke_agent guide",
    "chat gpt-4.1-nano": "execute_tool search",
    "handoff writer": "invoke_agent guide",
    "chat gpt-4o": "invoke_agent guide",
}


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_collector(f"sqlite:///{tmp_path_factory.mktemp('tree')}/hookline.db") as running:
        yield running


@pytest.mark.parametrize("has_host_trace", [False, True], ids=["alone", "in a host's trace"])
@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", ["OpenAIResponsesModel", "OpenAIChatCompletionsModel"])
def test_one_trace_with_the_right_tree(
    collector: Running, model: str, is_streamed: bool, has_host_trace: bool, tmp_path: Path
) -> None:
    """
    Every call is there once and under what made it, whether the run is streamed or not and whether the host traces or not.
    """
    thread = f"{model}-{is_streamed}-{has_host_trace}"
    host = TRACER.start_as_current_span("request") if has_host_trace else nullcontext()
    with recording_into(collector, tmp_path), start_provider() as provider, host as host_span, session(thread_id=thread):
        asyncio.run(_run(provider.base_url, getattr(agents, model), is_streamed))
        asked = len([seen for seen in provider.seen if seen.path in ("/responses", "/chat/completions")])
    spans, calls = eventually(lambda: _tree_of(collector, thread))

    names = {span["span_id"]: span["name"] for span in spans}
    assert dict.fromkeys(TREE, 1) == Counter(names.values())
    above = {span["name"]: span["parent_span_id"] for span in spans}
    root = f"{host_span.get_span_context().span_id:016x}" if host_span else None
    assert root == above.pop("invoke_agent guide")
    assert {name: parent for name, parent in TREE.items() if parent} == {name: names.get(up) for name, up in above.items()}
    if host_span:
        assert {f"{host_span.get_span_context().trace_id:032x}"} == {span["trace_id"] for span in spans}
    # The provider's own count: three requests came, three model calls were recorded.
    assert 3 == asked == len([call for call in calls if call["operation"] == "chat"])
    assert {"ok"} == {call["status"] for call in calls}


async def _run(base_url: str, make_model: Callable[..., Any], is_streamed: bool) -> None:
    http = openai.DefaultAsyncHttpxClient(verify=False)
    client = openai.AsyncOpenAI(base_url=base_url, api_key="not-a-key", http_client=http)

    async def search(city: str) -> str:
        """Search, with a model of its own."""
        mine = instrument(openai.AsyncOpenAI(base_url=base_url, api_key="not-a-key", http_client=http))
        found = await mine.responses.create(model="gpt-4.1-nano", input=city)
        return found.output_text

    def price(city: str) -> int:
        """Say what it costs."""
        return len(city)

    writer = agents.Agent(name="writer", model=make_model("gpt-4o", client))
    guide = agents.Agent(
        name="guide",
        model=make_model(MODEL, client),
        tools=[agents.function_tool(search), agents.function_tool(price)],
        handoffs=[writer],
    )
    # Both are hooked, the client under the models and the SDK above it: each call must count once all the same.
    instrument(client)
    instrument(agents)
    quiet = agents.RunConfig(tracing_disabled=True)
    if is_streamed:
        async for _ in agents.Runner.run_streamed(guide, "[tools:3]", run_config=quiet).stream_events():
            pass
    else:
        await agents.Runner.run(guide, "[tools:3]", run_config=quiet)


def _tree_of(collector: Running, thread: str) -> tuple[list[Any], list[Any]] | None:
    """The trace's spans and calls, once the run and all that it made are settled."""
    items = collector.get("/v1/calls?limit=1000").json["items"]
    calls = [call for call in items if call["thread_id"] == thread]
    if len(calls) < 4 or any(call["status"] == "running" for call in calls):
        return None
    assert 1 == len({call["trace_id"] for call in calls})
    trace = collector.get(f"/v1/traces/{calls[0]['trace_id']}").json
    return (trace["spans"], calls) if len(trace["spans"]) >= len(TREE) else None


@contextmanager
def recording_into(collector: Running, folder: Path) -> Iterator[None]:
    """The client's own threads and its own posts; a mistake of ours raises into the test."""
    config = Config({})
    config.update({"url": collector.url, "flush_interval_s": 0.02, "spool_dir": str(folder)})
    runtime = Runtime(config)
    before = use(runtime)
    raise_for_tests(True)
    try:
        yield
        assert runtime.emitter.flush(10.0)
    finally:
        uninstrument()
        raise_for_tests(False)
        runtime.emitter.close(2.0)
        use(before)
