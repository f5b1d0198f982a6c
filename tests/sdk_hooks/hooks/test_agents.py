"""
What is recorded of a run of openai-agents, and that its calls count once.
"""

import asyncio
import gc
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import agents
import pytest
from agents import (
    CustomTool,
    InputGuardrail,
    LocalShellTool,
    Model,
    ModelResponse,
    ModelSettings,
    OutputGuardrail,
    Runner,
    Usage,
    function_tool,
)
from agents.tool_guardrails import ToolGuardrailFunctionOutput, ToolInputGuardrail
from openai import AsyncOpenAI
from openai.types.responses import ResponseCustomToolCall
from openai.types.responses.response_output_item import LocalShellCall, LocalShellCallAction
from pydantic import BaseModel

from collector.demo.provider import Provider
from sdk_hooks import instrument
from sdk_hooks.hooks.agents_answers import shown
from tests.sdk_hooks.hooks.agents_hosts import MODEL, QUIET, Echo, chat, make_client, of_type, responses
from tests.sdk_hooks.hooks.agents_patterns import agent, guard_with, look_up
from tests.sdk_hooks.hooks.capture import capturing


@pytest.fixture
def client(provider: Provider) -> AsyncOpenAI:
    return make_client(provider)


async def test_model_call_has_what_was_asked_and_answered(client: AsyncOpenAI) -> None:
    """
    Instructions, messages, tools, handoffs and settings as the runner gave them; the answer's text, tools and tokens.
    """
    with capturing() as capture:
        guide = instrument(agent(model=responses(client), tools=[look_up], handoffs=[agent(name="expert")]))
        await Runner.run(guide, "Where?", run_config=QUIET)
        run, first, _ = capture.started()
        ended = {event["requestId"]: event for event in capture.terminals()}
        assert ("agent:request:started", "guide", "Where?") == (run["type"], run["agentName"], run["input"])
        assert "You asked: nothing The answer is forty-two." == ended[run["requestId"]]["output"]
        assert ("openai", MODEL, False) == (first["provider"], first["model"], first["streaming"])
        assert ["Be short"] == first["systemPrompts"]
        assert [{"role": "user", "content": "Where?"}] == first["messages"]
        assert ["look_up", "transfer_to_expert"] == first["toolNames"]
        assert "api" not in first
        answer = ended[first["requestId"]]
        assert ["look_up"] == [call["function"]["name"] for call in answer["toolCalls"]]
        assert {"promptTokens", "completionTokens", "totalTokens"} <= set(answer["usage"])
        assert "providerUsageDetails" not in answer["usage"]


async def test_secrets_in_settings_are_not_told(client: AsyncOpenAI) -> None:
    """
    Extra headers and bodies of the model settings may hold keys; what is told of settings is a list of names.
    """
    from agents import ModelSettings

    with capturing() as capture:
        settings = ModelSettings(temperature=0.5, extra_headers={"x-key": "s3cret"}, extra_body={"key": "s3cret"})
        guide = instrument(agent(model=responses(client), model_settings=settings))
        await Runner.run(guide, "Hello", run_config=QUIET)
        assert "s3cret" not in str(capture.events())
        assert {"temperature": 0.5} == capture.started()[1]["modelOptions"]


@pytest.mark.parametrize("make", [responses, chat])
async def test_stream_is_told_as_it_comes(make: Callable[[AsyncOpenAI], Model], client: AsyncOpenAI) -> None:
    """
    The model call's chunks join to its text. A chat stream that was asked for no usage has none: missing, not zero.
    """
    with capturing() as capture:
        guide = instrument(agent(model=make(client)))
        result = Runner.run_streamed(guide, "Hello", run_config=QUIET)
        async for _ in result.stream_events():
            pass
        chunks = [chunk for event in of_type(capture, "text:chunk:content") for chunk in event["chunks"]]
        answer = of_type(capture, "text:request:completed")[0]
        assert result.final_output == answer["content"] == "".join(chunk["delta"] for chunk in chunks)
        assert answer["streaming"]
        assert answer["timeToFirstChunk"] > 0
        assert (make is responses) == ("usage" in answer)


@pytest.mark.parametrize("usage", [Usage(requests=1), Usage(requests=1, input_tokens=3, output_tokens=0, total_tokens=3)])
async def test_model_of_the_hosts_own(usage: Usage) -> None:
    """
    Any Model is recorded, also one that no client is under; no tokens at all means that they are not known.
    """
    with capturing() as capture:
        instrument(agents)
        await Runner.run(agent(model=Echo(usage)), "Hello", run_config=QUIET)
        answer = of_type(capture, "text:request:completed")[0]
        assert "heard" == answer["content"]
        assert (3 if usage.input_tokens else None) == answer.get("usage", {}).get("promptTokens")


async def test_tools_and_what_they_call(client: AsyncOpenAI) -> None:
    """
    A tool is of the run around it; a call that it makes by itself, and an agent that it runs, have it as their parent.
    """

    @function_tool
    async def ask(city: str) -> str:
        found = await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": city}])
        return str(found.choices[0].message.content)

    with capturing() as capture:
        instrument(agents)
        instrument(client)
        inner = agent(name="expert", model=responses(client)).as_tool("expert", "Knows")
        await Runner.run(agent(model=responses(client), tools=[ask, inner]), "[tools:2]", run_config=QUIET)
        run = capture.started()[0]["requestId"]
        tools = {event["toolName"]: event for event in of_type(capture, "tools:call:completed")}
        assert {"ask": run, "expert": run} == {name: event["requestId"] for name, event in tools.items()}
        assert {"city": "Paris"} == of_type(capture, "tools:call:started")[0]["input"]
        inside = [event for event in capture.started() if "parentToolCallId" in event]
        under = {event["parentToolCallId"] for event in inside}
        assert {tools["ask"]["toolCallId"], tools["expert"]["toolCallId"]} == under
        expert = next(event for event in inside if event.get("agentName") == "expert")
        assert [expert["requestId"]] == [
            event["parentRequestId"] for event in capture.started() if event.get("parentRequestId") not in (None, run)
        ]
        assert {run} == {event.get("rootRequestId", run) for event in capture.started()}


async def test_failed_tool_is_told_as_failed(client: AsyncOpenAI) -> None:
    """
    The SDK makes a text of a tool's exception and goes on; the record keeps both, the failure and the text.
    """

    @function_tool
    def broken(city: str) -> str:
        raise LookupError(f"no {city}")

    with capturing() as capture:
        await Runner.run(instrument(agent(model=responses(client), tools=[broken])), "Hello", run_config=QUIET)
        event = of_type(capture, "tools:call:completed")[0]
        assert {"name": "LookupError", "message": "no Paris"} == event["error"]
        assert "error occurred" in event["result"]
        assert of_type(capture, "agent:request:completed")


async def test_handoffs_and_guardrails(client: AsyncOpenAI) -> None:
    """
    Each is an event of the run, with its verdict or its two agents.
    """

    async def judge(data: Any) -> ToolGuardrailFunctionOutput:
        return ToolGuardrailFunctionOutput.reject_content("no", output_info="judged")

    @function_tool(tool_input_guardrails=[ToolInputGuardrail(guardrail_function=judge, name="strict")])
    def look(city: str) -> str:
        return city

    with capturing() as capture:
        expert = agent(name="expert", model=responses(client), output_guardrails=[guard_with(OutputGuardrail, trips=False)])
        guards = [guard_with(InputGuardrail, trips=False)]
        guide = agent(model=responses(client), tools=[look], handoffs=[expert], input_guardrails=guards)
        await Runner.run(instrument(guide), "[tools:2]", run_config=QUIET)
        run = capture.started()[0]["requestId"]
        (handoff,) = of_type(capture, "agent:handoff")
        assert (run, "guide", "expert") == (handoff["requestId"], handoff["fromAgent"], handoff["toAgent"])
        verdicts = [(e["name"], e["triggered"], e["output"], e["requestId"]) for e in of_type(capture, "guardrail:completed")]
        assert [
            ("careful", False, {"looked": True}, run),
            ("careful", False, {"looked": True}, run),
            ("strict", True, "judged", run),
        ] == sorted(verdicts, key=lambda verdict: verdict[:2])
        assert not of_type(capture, "tools:call:started")


async def test_runs_at_once_stay_apart(client: AsyncOpenAI) -> None:
    """
    Twelve runs in one loop, streamed and not: each has its own model calls and its own tool, and nothing of another's.
    """
    model = responses(client)

    async def run(number: int) -> None:
        guide = agent(name=f"guide-{number}", model=model, tools=[look_up])
        if number % 2:
            await Runner.run(guide, f"number {number}", run_config=QUIET)
        else:
            async for _ in Runner.run_streamed(guide, f"number {number}", run_config=QUIET).stream_events():
                pass

    with capturing() as capture:
        instrument(agents)
        await asyncio.gather(*(run(number) for number in range(12)))
        runs = {event["requestId"]: event["input"] for event in of_type(capture, "agent:request:started")}
        assert 12 == len(runs)
        calls = of_type(capture, "text:request:started")
        assert sorted([*runs, *runs]) == sorted(event["parentRequestId"] for event in calls)
        assert all(event["messages"][0]["content"] == runs[event["parentRequestId"]] for event in calls)
        assert sorted(runs) == sorted(event["requestId"] for event in of_type(capture, "tools:call:completed"))


async def test_readers_own_calls_are_not_the_runs(client: AsyncOpenAI) -> None:
    """
    What a host calls while it reads the events, and after the run, is no part of it; and it is recorded.
    """
    with capturing() as capture:
        instrument(client)
        instrument(agents)
        async for event in Runner.run_streamed(agent(model=responses(client)), "Hello", run_config=QUIET).stream_events():
            if event.type == "run_item_stream_event":
                await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "mine"}])
        await client.responses.create(model=MODEL, input="mine too")
        roots = [event["type"] for event in capture.started() if "parentRequestId" not in event]
        assert ["agent:request:started", "text:request:started", "text:request:started"] == sorted(roots)
        assert 4 == len(capture.started()) == len(capture.terminals())


class Waiting(Echo):
    """A model that never answers."""

    async def stream_response(self, *args: Any, **kwargs: Any) -> Any:
        await asyncio.Event().wait()
        yield None


# The SDK's own context managers complain when their coroutine is thrown away.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_run_whose_loop_is_closed_under_it() -> None:
    """
    A streamed run that nobody cancelled and no loop goes on with was left: aborted, and so is its model call.
    """
    with capturing() as capture:
        instrument(agents)
        loop = asyncio.new_event_loop()

        async def begin() -> None:
            Runner.run_streamed(agent(model=Waiting(Usage())), "Hello", run_config=QUIET)
            while len(capture.started()) < 2:
                await asyncio.sleep(0)

        loop.run_until_complete(begin())
        loop.set_exception_handler(lambda *_: None)
        loop.close()
        assert 2 == len(capture.started())
        del loop
        gc.collect()
        ends = sorted(event["type"] for event in capture.terminals())
        assert ["agent:request:aborted", "text:request:aborted"] == ends


async def _compare(*_: Any) -> str:
    return "done"


class Wanting(Echo):
    """A model that wants one tool run, and then answers."""

    def __init__(self, wanted: Any) -> None:
        super().__init__(Usage())
        self.wanted = [wanted]

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        if self.wanted:
            return ModelResponse(output=[self.wanted.pop()], usage=self.usage, response_id=None)
        return await super().get_response()


SHELL = LocalShellCall(
    id="item-1",
    call_id="call-1",
    status="completed",
    type="local_shell_call",
    action=LocalShellCallAction(command=["ls"], env={}, type="exec"),
)
OWN = ResponseCustomToolCall(call_id="call-1", input="a > b", name="compare", type="custom_tool_call")


@pytest.mark.parametrize(
    ("tool", "wanted", "name", "given"),
    [
        (LocalShellTool(executor=lambda _: "done"), SHELL, "local_shell", ["ls"]),
        (CustomTool(name="compare", description="", on_invoke_tool=_compare), OWN, "compare", "a > b"),
    ],
    ids=["shell", "custom"],
)
async def test_tools_that_are_no_functions(tool: Any, wanted: Any, name: str, given: Any) -> None:
    """
    Shells and custom tools go another way through the SDK; they are tools of the run all the same.
    """
    with capturing() as capture:
        instrument(agents)
        await Runner.run(agent(model=Wanting(wanted), tools=[tool]), "Hello", run_config=QUIET)
        (began,), (ended,) = of_type(capture, "tools:call:started"), of_type(capture, "tools:call:completed")
        assert (name, "call-1") == (began["toolName"], began["toolCallId"]) == (ended["toolName"], ended["toolCallId"])
        assert given == (began["input"] if isinstance(given, str) else began["input"]["command"])
        assert "done" == ended["result"]
        assert capture.started()[0]["requestId"] == began["requestId"]


async def test_tool_that_waits_for_an_approval_has_not_run() -> None:
    """
    What the SDK gives back then holds the agent, with all that it is made with: none of that is told.
    """
    tool = CustomTool(name="compare", description="", on_invoke_tool=_compare, needs_approval=True)
    keys = ModelSettings(extra_headers={"X-Tenant": "tenant-key-1"})
    with capturing() as capture:
        instrument(agents)
        asked = agent(model=Wanting(OWN), tools=[tool], model_settings=keys)
        told = await Runner.run(asked, "Hello", run_config=QUIET)
        assert 1 == len(told.interruptions)
        (ended,) = of_type(capture, "tools:call:completed")
        assert ("ApprovalRequired", None) == (ended["error"]["name"], ended["result"])
        assert "tenant-key-1" not in str(capture.events())


def test_nothing_is_said_of_an_output_that_is_not_what_its_type_says() -> None:
    """
    pydantic would warn in the host's process, and quote the output there, which an SDK may have been told to keep to itself.
    """

    class Told(BaseModel):
        text: str

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert {"text": {"secret": "mine"}} == shown(Told.model_construct(text={"secret": "mine"}))


def test_what_is_shown_of_an_output() -> None:
    """
    Its members; of an agent its name, of a circle and of what pydantic can't tell the name of the type.
    """

    class Held(BaseModel):
        model_config = {"arbitrary_types_allowed": True}
        thing: object

    @dataclass
    class Output:
        by: Any
        held: Any = None
        again: Any = None

    output = Output(
        agents.Agent(name="A", model_settings=ModelSettings(extra_headers={"X-Tenant": "tenant-key-1"})), Held(thing=object())
    )
    assert {"by": "A", "held": "<Held>", "again": None} == shown(output)
    output.again = [output]
    assert "<Output>" in str(shown(output))
    assert "tenant-key-1" not in str(shown(output))
