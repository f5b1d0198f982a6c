"""`observe`: agents and tools of the host."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Barrier

import pytest

from sdk_hooks import observe
from tests.fakes.collected import recording
from tests.sdk_hooks.calls import chat


def test_decorated_agent_and_tool_make_a_tree():
    """Each run of the function is a run of its own; arguments and result are recorded; the model call is inside the tool."""

    @observe("search", kind="tool")
    def search(query: str) -> list[str]:
        """Find."""
        chat().complete()
        return [query.upper()]

    @observe("planner")
    def plan(task: str) -> int:
        return len(search(task))

    with recording() as events:
        assert (1, 1) == (plan("a"), plan("b"))
        events.flush()

    assert ("search", "Find.") == (search.__name__, search.__doc__)
    agents = events.of("agent:request:completed")
    tools = events.of("tools:call:completed")
    chats = events.of("text:request:started")
    assert [1, 1] == [agent["output"] for agent in agents]
    assert ["planner", "planner"] == [agent["agentName"] for agent in agents]
    assert [["A"], ["B"]] == [tool["result"] for tool in tools]
    assert [agent["requestId"] for agent in agents] == [tool["requestId"] for tool in tools]
    assert [tool["toolCallId"] for tool in tools] == [call["parentToolCallId"] for call in chats]
    assert ["a", "b"] == [tool["input"] for tool in events.of("tools:call:started")]
    assert 2 == len({tool["toolCallId"] for tool in tools})


async def test_async_functions_are_awaited_inside():
    """The duration covers the await; calls inside are children."""

    @observe("planner")
    async def plan() -> str:
        await asyncio.sleep(0.02)
        chat().complete()
        return "done"

    with recording() as events:
        assert "done" == await plan()
        events.flush()

    agent = events.of("agent:request:completed")[0]
    assert agent["duration"] >= 19
    assert agent["requestId"] == events.of("text:request:started")[0]["parentRequestId"]


def test_failure_passes_through_and_is_recorded():
    """The host's exception is the host's; agent and tool say what it was."""
    with recording() as events:
        with pytest.raises(LookupError, match="nothing"), observe("planner"), observe("search", kind="tool"):
            raise LookupError("nothing")
        events.flush()

    assert {"name": "LookupError", "message": "nothing"} == events.of("agent:request:error")[0]["error"]
    assert {"name": "LookupError", "message": "nothing"} == events.of("tools:call:completed")[0]["error"]


def test_tool_without_a_call_around_it_belongs_to_none():
    """It is recorded as an event; a call inside is a root."""
    with recording() as events:
        with observe("search", kind="tool") as run:
            chat().complete()
            run.output = {"found": 1}
        events.flush()

    done = events.of("tools:call:completed")[0]
    assert "requestId" not in done
    assert {"found": 1} == done["result"]
    assert "parentRequestId" not in events.of("text:request:started")[0]


def test_result_is_copied_when_the_run_ends():
    """What the host does with it later is not recorded."""
    answer = ["before"]
    with recording() as events:
        with observe("planner") as run:
            run.output = answer
        answer.append("after")
        events.flush()

    assert ["before"] == events.of("agent:request:completed")[0]["output"]


def test_our_mistake_does_not_stop_the_function():
    """Without a working runtime the function still runs."""

    class Unreadable:
        @property
        def __class__(self) -> type:  # type: ignore[override]
            raise RuntimeError("hands off")

    with recording(raises=False):

        @observe("planner")
        def plan(value: object) -> str:
            return "done"

        assert "done" == plan(Unreadable())


def test_data_that_points_everywhere_is_recorded_in_part():
    """
    Arguments and results of a host's function may be a graph: following all its ways would take longer than anybody lives.
    """
    node: dict[str, object] = {"name": "root"}
    node["children"] = [{"name": f"child {i}", "parent": node} for i in range(20)]

    with recording() as events:

        @observe("planner")
        def plan(given: object) -> object:
            return observe("search", kind="tool")(lambda found: found)(given)

        assert node is plan(node)
        events.flush()

    assert "root" == events.of("agent:request:started")[0]["input"]["name"]
    assert "root" == events.of("agent:request:completed")[0]["output"]["name"]
    assert "root" == events.of("tools:call:completed")[0]["result"]["name"]


def test_one_object_is_entered_by_many_threads_and_inside_itself():
    """Each entering is a run of its own, with its own calls inside and its own output."""
    shared = observe("planner")
    barrier = Barrier(4)

    def work(number: int) -> None:
        with shared as seen:
            barrier.wait(60)
            chat(messages=[{"role": "user", "content": str(number)}]).complete()
            seen.output = number
            barrier.wait(60)

    with recording() as events:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        with shared as outer, shared as inner:
            outer.output, inner.output = "outer", "inner"
            inside = copy_context()
        # A task that was begun inside and goes on after it.
        inside.run(lambda: shared.__enter__().__exit__(None, None, None))
        events.flush()

    runs = {event["requestId"]: {"output": None, **event} for event in events.of("agent:request:completed")}
    assert {0, 1, 2, 3, "outer", "inner"} == {event["output"] for event in runs.values()} - {None}
    assert 7 == len(events.of("agent:request:started")) == len(runs)
    for call in events.of("text:request:started"):
        assert int(call["messages"][0]["content"]) == runs[call["parentRequestId"]]["output"]
    inner = next(event for event in runs.values() if event["output"] == "inner")
    assert "outer" == runs[inner["parentRequestId"]]["output"]
