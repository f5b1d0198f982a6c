"""`observe` around generators, and how runs nest across tasks and threads."""

import asyncio
import contextvars
import gc
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

import pytest

from sdk_hooks import observe
from tests.fakes.collected import Collected, recording
from tests.sdk_hooks.calls import chat


@observe("writer")
def write(count: int) -> Generator[str, Any, str | None]:
    """Write."""
    for number in range(count):
        chat().complete()
        yield f"{number} "
    return None


@observe("writer")
async def write_async(count: int) -> AsyncGenerator[str, None]:
    """Write."""
    for number in range(count):
        await asyncio.sleep(0)
        chat().complete()
        yield f"{number} "


def agents(events: Collected, what: str = "completed") -> list[Any]:
    events.flush()
    return events.of(f"agent:request:{what}")


def parents(events: Collected) -> list[Any]:
    events.flush()
    return [event.get("parentRequestId") for event in events.of("text:request:started")]


def test_generator_is_a_run_from_its_first_item_to_its_end() -> None:
    """Calls inside are its children, those between two items are the host's; the text that it gave is its output."""
    with recording() as events:
        for _ in write(2):
            chat().complete()
        (run,) = agents(events)
        assert [run["requestId"], None, run["requestId"], None] == parents(events)
        assert ("0 1 ", 2) == (run["output"], events.of("agent:request:started")[0]["input"])


async def test_async_generator_is_a_run_from_its_first_item_to_its_end() -> None:
    """The same; the reader's calls between two items are not inside."""
    with recording() as events:
        async for _ in write_async(2):
            chat().complete()
        (run,) = agents(events)
        assert [run["requestId"], None, run["requestId"], None] == parents(events)
        assert "0 1 " == run["output"]


async def test_generators_stay_what_they_are() -> None:
    """For frameworks that look at them: name, words and kind."""
    assert ("write", "Write.") == (write.__name__, write.__doc__)
    assert inspect.isgeneratorfunction(write)
    assert inspect.isasyncgenfunction(write_async)
    assert inspect.isgenerator(write(1))
    assert inspect.isasyncgen(write_async(1))


def test_nothing_is_recorded_of_a_generator_that_is_never_asked() -> None:
    """Nothing of it runs."""
    with recording() as events:
        write(3)
        assert [] == agents(events, "started")


def test_what_is_sent_thrown_and_returned_goes_through() -> None:
    """The host talks with its own generator."""

    @observe("echo")
    def echo() -> Generator[Any, Any, str]:
        heard: list[Any] = []
        while len(heard) < 3:
            try:
                heard.append((yield len(heard)))
            except LookupError as error:
                heard.append(error)
        return str(heard)

    with recording() as events:
        talk = echo()
        assert (0, 1, 2) == (next(talk), talk.send("one"), talk.throw(LookupError("two")))
        with pytest.raises(StopIteration) as end:
            talk.send("three")
        assert "['one', LookupError('two'), 'three']" == end.value.value
        assert [end.value.value] == [run["output"] for run in agents(events)]


async def test_what_is_sent_and_thrown_goes_through_async() -> None:
    """The same for async generators."""

    @observe("echo")
    async def echo() -> AsyncGenerator[Any, Any]:
        try:
            heard = yield 0
            yield heard
        except LookupError:
            yield "caught"

    with recording():
        talk = echo()
        assert (0, "one") == (await anext(talk), await talk.asend("one"))
        assert "caught" == await talk.athrow(LookupError())
        with pytest.raises(StopAsyncIteration):
            await anext(talk)


@pytest.mark.parametrize("how", ["break", "close", "drop"])
def test_generator_that_is_left_is_aborted(how: str) -> None:
    """With what it gave so far; its own clean-up runs, inside the run."""
    cleaned: list[str] = []

    @observe("writer")
    def writing() -> Generator[str, None, None]:
        try:
            yield "so far"
            yield "never"
        finally:
            chat().complete()
            cleaned.append(how)

    with recording() as events:
        run = writing()
        next(run)
        if how == "close":
            run.close()
        elif how == "drop":
            del run
        else:
            for _ in writing():
                break
            run.close()
        aborted = agents(events, "aborted")
        assert {"so far"} == {run["output"] for run in aborted}
        assert {run["requestId"] for run in aborted} == set(parents(events))
        assert cleaned == [how] * len(aborted)
        assert cleaned


async def test_async_generator_that_is_left_is_aborted() -> None:
    """Closed by hand, by a cancelled task, or when it is dropped."""
    with recording() as events:
        run = write_async(3)
        await anext(run)
        await run.aclose()

        async def read() -> None:
            async for _ in write_async(1_000_000):
                reading.set()

        reading = asyncio.Event()
        task = asyncio.create_task(read())
        await reading.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async for _ in write_async(3):
            break
        for _ in range(20):
            await asyncio.sleep(0)
        assert 3 == len(agents(events, "aborted"))


def left_open(run: list[AsyncIterator[int]]) -> None:
    """Begun in a loop that is closed then, and dropped."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(anext(run[0]))
    loop.close()
    run.clear()
    gc.collect()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_async_generator_that_nobody_can_close_is_aborted() -> None:
    """Its event loop is gone, so that its own clean-up can't be awaited: Python says so, and the run ends all the same."""

    @observe("writer")
    async def writing() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)

    with recording() as events:
        # In a context of its own: nobody can take back there what the run entered.
        contextvars.copy_context().run(left_open, [writing()])
        assert 1 == len(agents(events, "aborted"))


def test_failing_generator_is_an_error() -> None:
    """The host gets its own exception."""

    @observe("writer")
    def failing() -> Iterator[int]:
        yield 1
        raise LookupError("lost")

    with recording() as events:
        with pytest.raises(LookupError, match="lost"):
            list(failing())
        assert [{"name": "LookupError", "message": "lost"}] == [run["error"] for run in agents(events, "error")]


def test_generators_may_run_in_turns() -> None:
    """Each call belongs to the run that was asked for an item, whoever was asked last."""
    with recording() as events:
        for _ in zip(write(2), write(2), strict=True):
            pass
        first, second = (run["requestId"] for run in agents(events))
        assert [first, second, first, second] == parents(events)


def test_tool_that_is_left_says_so() -> None:
    """Ctrl-C, a cancelled task and a closed generator are no errors of the tool."""
    with recording() as events:
        with pytest.raises(KeyboardInterrupt), observe("search", kind="tool"):
            raise KeyboardInterrupt
        events.flush()
        assert "Aborted" == events.of("tools:call:completed")[0]["error"]["name"]


async def test_runs_nest_in_tasks() -> None:
    """A task takes its context with it when it is made; runs of tasks side by side don't see each other."""

    @observe("worker")
    async def work() -> None:
        await asyncio.sleep(0)
        chat().complete()

    with recording() as events:
        async with observe("planner"):
            await asyncio.gather(work(), work())
            await asyncio.to_thread(lambda: chat().complete())
        runs = agents(events)
        (planner,) = (run for run in runs if run["agentName"] == "planner")
        workers = [run for run in runs if run is not planner]
        assert [planner["requestId"]] * 2 == [worker["parentRequestId"] for worker in workers]
        assert {worker["requestId"] for worker in workers} | {planner["requestId"]} == set(parents(events))


def test_threads_nest_when_they_are_given_the_context() -> None:
    """Python gives a new thread no context: its calls are roots, unless the host runs it in a copy."""
    with recording() as events:
        with observe("planner"), ThreadPoolExecutor(1) as pool:
            bare = Thread(target=lambda: chat().complete())
            bare.start()
            bare.join()
            pool.submit(contextvars.copy_context().run, lambda: chat().complete()).result()
        (run,) = agents(events)
        assert [None, run["requestId"]] == parents(events)
