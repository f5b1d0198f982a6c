"""
Every way in which a host runs agents, as functions of a run config whose model is the provider's; with both of the SDK's models.

Each makes exactly one run and gives back what the host got, in a form that two of them can be compared by.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

from agents import (
    Agent,
    AgentsException,
    GuardrailFunctionOutput,
    InputGuardrail,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    OutputGuardrail,
    RunConfig,
    RunHooks,
    Runner,
    RunResultStreaming,
    function_tool,
)
from openai import APIError, AsyncOpenAI, DefaultAsyncHttpxClient

from tests.sdk_hooks.hooks.openai_patterns import City, Pattern, plain, some_rounds

MODEL = "gpt-4o-mini"
_kept: list[Any] = []


@function_tool
def look_up(city: str) -> str:
    """Look a city up."""
    return f"{city} is fine"


@function_tool(failure_error_function=None)
def fail(city: str) -> str:
    """Fail, as the host's own code does."""
    raise RuntimeError(f"no {city}")


def agent(**more: Any) -> Agent[Any]:
    return Agent(**{"name": "guide", "instructions": "Be short", **more})


def seen(result: Any) -> Any:
    """What can be compared of a result."""
    output = result.final_output
    items = [(type(item).__name__, plain(item.raw_item)) for item in result.new_items]
    return type(result).__name__, result.last_agent.name, plain(output), items, result.context_wrapper.usage


async def events_of(result: RunResultStreaming) -> list[Any]:
    return [_event(event) async for event in result.stream_events()]


def _event(event: Any) -> Any:
    data = getattr(event, "data", None)
    return event.type, getattr(event, "name", None), None if data is None else (type(data).__name__, getattr(data, "delta", None))


def guard_with(kind: Any, *, trips: bool) -> Any:
    def look(*_: Any) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(output_info={"looked": True}, tripwire_triggered=trips)

    return kind(guardrail_function=look, name="careful")


class ToldOfModels(RunHooks[Any]):
    """Lets a host wait until its run asks a model, however long that takes; the answer must be later."""

    def __init__(self) -> None:
        self._begins = asyncio.Event()

    async def on_llm_start(self, *_: Any, **__: Any) -> None:
        self._begins.set()

    async def until_a_model_is_asked(self) -> None:
        await self._begins.wait()
        await some_rounds()


# -- sync -----------------------------------------------------------------------------------------------------------------


def run(config: RunConfig) -> Any:
    return seen(Runner.run_sync(agent(), "Hello", run_config=config))


def run_with_a_list(config: RunConfig) -> Any:
    messages: Any = [{"role": "user", "content": "Hello"}]
    return seen(Runner.run_sync(starting_agent=agent(), input=messages, run_config=config))


def run_with_tools(config: RunConfig) -> Any:
    return seen(Runner.run_sync(agent(tools=[look_up]), "[tools:2]", run_config=config))


def run_with_a_handoff(config: RunConfig) -> Any:
    return seen(Runner.run_sync(agent(handoffs=[agent(name="expert")]), "Who knows?", run_config=config))


def run_with_structured_output(config: RunConfig) -> Any:
    return seen(Runner.run_sync(agent(output_type=City), "Which?", run_config=config))


def run_with_guardrails(config: RunConfig) -> Any:
    asked = agent(
        input_guardrails=[guard_with(InputGuardrail, trips=False)],
        output_guardrails=[guard_with(OutputGuardrail, trips=False)],
    )
    return seen(Runner.run_sync(asked, "Hello", run_config=config))


def output_refused(config: RunConfig) -> Any:
    asked = agent(output_guardrails=[guard_with(OutputGuardrail, trips=True)])
    return seen(Runner.run_sync(asked, "Hello", run_config=config))


def input_refused(config: RunConfig) -> Any:
    guardrail = guard_with(InputGuardrail, trips=True)
    guardrail.run_in_parallel = False
    return seen(Runner.run_sync(agent(input_guardrails=[guardrail]), "Hello", run_config=config))


def too_many_turns(config: RunConfig) -> Any:
    return seen(Runner.run_sync(agent(tools=[look_up]), "Hello", max_turns=1, run_config=config))


def tool_raises(config: RunConfig) -> Any:
    return seen(Runner.run_sync(agent(tools=[fail]), "Hello", run_config=config))


def rate_limited(config: RunConfig) -> Any:
    return seen(Runner.run_sync(agent(), "[error:429]", run_config=config))


def retried_by_the_client(config: RunConfig) -> Any:
    return seen(Runner.run_sync(agent(), "[flaky:500]", run_config=config))


def timed_out(config: RunConfig) -> Any:
    return seen(Runner.run_sync(agent(model_settings=ModelSettings(timeout=0.05)), "[late:5000]", run_config=config))


def unknown_settings(config: RunConfig) -> Any:
    """The runner refuses before any model is asked."""
    wrong: Any = 3
    return seen(Runner.run_sync(agent(), "Hello", run_config=config, hooks=wrong))


SYNC = (
    Pattern(run, "completed", also=1),
    Pattern(run_with_a_list, "completed", also=1),
    Pattern(run_with_tools, "completed", also=2),
    Pattern(run_with_a_handoff, "completed", also=2),
    Pattern(run_with_structured_output, "completed", also=1),
    Pattern(run_with_guardrails, "completed", also=1),
    Pattern(output_refused, "error", also=1),
    Pattern(input_refused, "error"),
    Pattern(too_many_turns, "error", also=1),
    Pattern(tool_raises, "error", also=1),
    Pattern(rate_limited, "error", also=1),
    Pattern(retried_by_the_client, "completed", also=1),
    Pattern(timed_out, "error", also=1),
    Pattern(unknown_settings, "error"),
)


# -- async ----------------------------------------------------------------------------------------------------------------


async def run_async(config: RunConfig) -> Any:
    return seen(await Runner.run(agent(), "Hello", run_config=config))


async def task_cancelled_async(config: RunConfig) -> Any:
    hooks = ToldOfModels()
    task = asyncio.ensure_future(Runner.run(agent(), "[late:5000]", run_config=config, hooks=hooks))
    await hooks.until_a_model_is_asked()
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()


async def stream_to_the_end_async(config: RunConfig) -> Any:
    result = Runner.run_streamed(agent(), "Hello", run_config=config)
    return type(result), await events_of(result), seen(result)


async def stream_of_tools_async(config: RunConfig) -> Any:
    result = Runner.run_streamed(agent(tools=[look_up]), "[tools:2]", run_config=config)
    return await events_of(result), seen(result)


async def stream_of_a_handoff_async(config: RunConfig) -> Any:
    result = Runner.run_streamed(agent(handoffs=[agent(name="expert")]), "Who knows?", run_config=config)
    return await events_of(result), seen(result)


async def stream_broken_off_async(config: RunConfig) -> Any:
    result = Runner.run_streamed(agent(), "[words:50] [slow:20]", run_config=config)
    _kept[:] = [result]
    async for event in result.stream_events():
        if event.type == "raw_response_event":
            return event.type
    return None


async def stream_cancelled_async(config: RunConfig) -> Any:
    result = Runner.run_streamed(agent(), "[words:50] [slow:20]", run_config=config)
    async for event in result.stream_events():
        if event.type == "raw_response_event":
            result.cancel()
    return result.is_complete, result.final_output


async def stream_never_read_async(config: RunConfig) -> Any:
    hooks = ToldOfModels()
    Runner.run_streamed(agent(), "[late:5000]", run_config=config, hooks=hooks)
    await hooks.until_a_model_is_asked()


async def reader_cancelled_async(config: RunConfig) -> Any:
    begun = asyncio.Event()

    async def read() -> None:
        async for event in Runner.run_streamed(agent(), "[words:50] [slow:20]", run_config=config).stream_events():
            if event.type == "raw_response_event":
                begun.set()

    task = asyncio.ensure_future(read())
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()


async def exception_in_the_loop_async(config: RunConfig) -> Any:
    async for event in Runner.run_streamed(agent(), "[words:50] [slow:20]", run_config=config).stream_events():
        if event.type == "raw_response_event":
            raise RuntimeError("the host's own")


async def error_in_the_stream_async(config: RunConfig) -> Any:
    return await events_of(Runner.run_streamed(agent(), "[break:3]", run_config=config))


async def socket_dropped_async(config: RunConfig) -> Any:
    return await events_of(Runner.run_streamed(agent(), "[drop:3]", run_config=config))


async def rate_limited_stream_async(config: RunConfig) -> Any:
    return await events_of(Runner.run_streamed(agent(), "[error:429]", run_config=config))


async def too_many_turns_streamed_async(config: RunConfig) -> Any:
    return await events_of(Runner.run_streamed(agent(tools=[look_up]), "Hello", max_turns=1, run_config=config))


async def too_many_turns_unread_async(config: RunConfig) -> Any:
    result = Runner.run_streamed(agent(tools=[look_up]), "Hello", max_turns=1, run_config=config)
    await asyncio.wait([result.run_loop_task])  # pyright: ignore[reportArgumentType]
    return result.final_output


async def input_refused_in_a_stream_async(config: RunConfig) -> Any:
    asked = agent(input_guardrails=[guard_with(InputGuardrail, trips=True)])
    return await events_of(Runner.run_streamed(asked, "[late:400]", run_config=config))


async def output_refused_in_a_stream_async(config: RunConfig) -> Any:
    asked = agent(output_guardrails=[guard_with(OutputGuardrail, trips=True)])
    return await events_of(Runner.run_streamed(asked, "Hello", run_config=config))


async def tool_raises_in_a_stream_async(config: RunConfig) -> Any:
    return await events_of(Runner.run_streamed(agent(tools=[fail]), "Hello", run_config=config))


ASYNC = (
    Pattern(run_async, "completed", also=1),
    Pattern(task_cancelled_async, "aborted", also=1),
    Pattern(stream_to_the_end_async, "completed", also=1),
    Pattern(stream_of_tools_async, "completed", also=2),
    Pattern(stream_of_a_handoff_async, "completed", also=2),
    Pattern(stream_broken_off_async, "aborted", also=1),
    Pattern(stream_cancelled_async, "aborted", also=1),
    Pattern(stream_never_read_async, "aborted", also=1),
    Pattern(reader_cancelled_async, "aborted", also=1),
    Pattern(exception_in_the_loop_async, "aborted", also=1),
    Pattern(error_in_the_stream_async, "error", also=1),
    Pattern(socket_dropped_async, "error", also=1),
    Pattern(rate_limited_stream_async, "error", also=1),
    Pattern(too_many_turns_streamed_async, "error", also=1),
    Pattern(too_many_turns_unread_async, "error", also=1),
    Pattern(input_refused_in_a_stream_async, "error", also=1),
    Pattern(output_refused_in_a_stream_async, "error", also=1),
    Pattern(tool_raises_in_a_stream_async, "error", also=1),
)


# -- how the suite runs them ----------------------------------------------------------------------------------------------


class Suite:
    """The patterns with one of the SDK's models."""

    def __init__(self, model: Callable[..., Any], patterns: Iterable[Pattern]) -> None:
        self._model = model
        self.SYNC = [pattern for pattern in patterns if pattern in SYNC]
        self.ASYNC = [pattern for pattern in patterns if pattern in ASYNC]

    def make_sync(self, base_url: str) -> RunConfig:
        # Loading certificates would take most of a test's time.
        http = DefaultAsyncHttpxClient(verify=False)
        client = AsyncOpenAI(base_url=base_url, api_key="not-a-key", max_retries=1, http_client=http)
        return RunConfig(model=self._model(MODEL, client), tracing_disabled=True)

    make_async = make_sync

    @staticmethod
    def outcome(run: Callable[[Any], Any], config: Any) -> Any:
        """What the host gets: a value, or an exception by type and message."""
        try:
            return "returned", run(config)
        except (AgentsException, APIError, RuntimeError, TypeError, TimeoutError) as error:
            return "raised", type(error), str(error)

    @staticmethod
    async def outcome_async(run: Callable[[Any], Any], config: Any) -> Any:
        try:
            return "returned", await run(config)
        except (AgentsException, APIError, RuntimeError) as error:
            return "raised", type(error), str(error)

    @staticmethod
    def opened(config: Any) -> Any:
        """A run config is not opened and closed."""
        return nullcontext(config)


RESPONSES = Suite(OpenAIResponsesModel, (*SYNC, *ASYNC))
WITH_CHAT = (
    run,
    run_with_tools,
    run_with_a_handoff,
    rate_limited,
    run_async,
    stream_to_the_end_async,
    stream_of_tools_async,
    stream_broken_off_async,
    error_in_the_stream_async,
    socket_dropped_async,
)
"""Where the other model could make a difference."""
CHAT = Suite(OpenAIChatCompletionsModel, [pattern for pattern in (*SYNC, *ASYNC) if pattern.run in WITH_CHAT])
