"""
`observe`: record the host's own agent or tool as what surrounds its model calls.

Flow: host's function -> **observing** -> recorder; calls made inside are its children.
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar, Token
from functools import wraps
from inspect import isasyncgenfunction, isawaitable, iscoroutinefunction, isgeneratorfunction
from types import TracebackType
from typing import Any, Literal, TypeVar, cast

from sdk_hooks import context
from sdk_hooks.config import Event
from sdk_hooks.context import Enclosing
from sdk_hooks.generators import around_async_generator, around_generator
from sdk_hooks.guard import guard
from sdk_hooks.recorder import Call, Shape, as_it_is, start_call
from sdk_hooks.snapshot import Snapshot, take_any
from sdk_hooks.toolrun import ToolRun, start_tool

F = TypeVar("F", bound=Callable[..., Any])
Kind = Literal["agent", "tool"]


def _output(taken: Snapshot | None) -> Event:
    return {} if taken is None else {"output": taken.open()}


MAX_TEXT_CHARS = 64 * 1024
"""Of the text that a generator gives, in its run's output."""

AGENT = Shape("agent", as_it_is, _output)


class observe:
    """
    As a decorator of a function or a generator, sync or async, or as a context manager.

        @observe("planner")                 # an agent: a call that the calls inside belong to
        def plan(task): ...

        @observe("search", kind="tool")     # a tool of the call around it
        async def search(query): ...

        with observe("planner") as seen:
            seen.output = "…"               # optional: what to record as the answer

        @observe("writer")                  # runs from the first item to the end; one that is left is aborted
        async def write(task): yield …
    """

    __slots__ = ("_free", "_kind", "_name", "_running", "_token", "input", "output", "tool_call_id")

    def __init__(self, name: str, *, kind: Kind = "agent", input: Any = None, tool_call_id: str | None = None) -> None:  # noqa: A002
        self._name = name
        self._kind: Kind = kind
        self.input = input
        self.output: Any = None
        self.tool_call_id = tool_call_id
        self._running: Call | ToolRun | None = None
        self._token: Token[Enclosing | None] | None = None
        self._free = [True]
        """Taken out, which one thread alone can do, by who enters first."""

    def __call__(self, function: F) -> F:
        """Decorate. Each invocation is a run of its own; arguments are recorded as the input, the result as the output."""
        if iscoroutinefunction(function):
            return cast("F", self._around_async(function))
        if isgeneratorfunction(function):
            return cast("F", around_generator(function, self._generating))
        if isasyncgenfunction(function):
            return cast("F", around_async_generator(function, self._generating))

        @wraps(function)
        def observed(*args: Any, **kwargs: Any) -> Any:
            with self._run(args, kwargs) as run:
                result = function(*args, **kwargs)
                run.output = None if isawaitable(result) else result
                return result

        return cast("F", observed)

    def _around_async(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @wraps(function)
        async def observed(*args: Any, **kwargs: Any) -> Any:
            with self._run(args, kwargs) as run:
                run.output = await function(*args, **kwargs)
                return run.output

        return observed

    def _generating(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> "_Generating":
        run = self._run(args, kwargs)
        with guard("observe"):
            run._start()
        return _Generating(run)

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> "observe":
        given: Any = args[0] if len(args) == 1 and not kwargs else {"args": list(args), **kwargs} if args else kwargs
        return observe(self._name, kind=self._kind, input=given, tool_call_id=self.tool_call_id)

    def __enter__(self) -> "observe":
        """This object, or another one like it where this is entered already: by another thread or task, or inside itself."""
        try:
            self._free.pop()
        except IndexError:
            entered = observe(self._name, kind=self._kind, input=self.input, tool_call_id=self.tool_call_id)
            around = _entered.get()
            entered.__enter__()
            _entered.set((self, entered, around))
            return entered
        _entered.set((self, None, _entered.get()))
        with guard("observe"):
            self._start()
            self._token = self._enter()
        return self

    def _start(self) -> None:
        if self._kind == "tool":
            self._running = start_tool(self._name, self.input, self.tool_call_id)
        else:
            started: Event = {"agentName": self._name}
            if self.input is not None:
                started["input"] = take_any(self.input).open()
            self._running = start_call(AGENT, started, provider=None, model=None)

    def _enter(self) -> Token[Enclosing | None] | None:
        return None if self._running is None else context.enter(self._running.as_enclosing())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        entry = _entered.get()
        # In another context than it was entered in (async generators) it is not known there, and taken for the first.
        if entry is not None and entry[0] is self:
            _entered.set(entry[2])
            if entry[1] is not None:
                entry[1].__exit__(kind, error, trace)
                return
        with guard("observe"):
            token, self._token = self._token, None
            if token is not None:
                context.leave(token)
            self._end(error)
        self._free.append(True)

    def _end(self, error: BaseException | None) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        if isinstance(running, Call) and running.is_sampled:
            # For the lines after it the run is the last call, not one of those inside.
            context.note_call(running.request_id, context.enclosing(), running.host_span)
        # What is no Exception is somebody leaving: a cancelled task, a closed generator, Ctrl-C.
        has_left = error is not None and not isinstance(error, Exception)
        if has_left and isinstance(running, Call):
            running.abort(self._taken())
        elif has_left:
            running.abort()
        elif error is not None:
            running.fail(error)
        else:
            running.complete(self._taken() if isinstance(running, Call) else self.output)

    def _taken(self) -> Snapshot | None:
        """A copy: the host may go on changing what it returned."""
        return None if self.output is None else take_any(self.output)

    async def __aenter__(self) -> "observe":
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.__exit__(kind, error, trace)


_entered: "ContextVar[_Entry | None]" = ContextVar("hookline_entered", default=None)
"""Of this context: which one was entered, what stands for it if that was busy, and the same for those around."""
_Entry = tuple[observe, observe | None, "_Entry | None"]


class _Generating:
    """The run of one generator. Its answer is what it returns, or else the text that it gave piece by piece."""

    __slots__ = ("_pieces", "_run", "_size", "_token")

    def __init__(self, run: observe) -> None:
        self._run = run
        self._pieces: list[str] = []
        self._size = 0
        self._token: Token[Enclosing | None] | None = None

    def inside(self) -> "_Generating":
        return self

    def __enter__(self) -> None:
        with guard("observe"):
            self._token = self._run._enter()  # pyright: ignore[reportPrivateUsage] (same module)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        token, self._token = self._token, None
        if token is not None:
            context.leave(token)

    def item(self, item: Any) -> None:
        if isinstance(item, str) and self._size < MAX_TEXT_CHARS:
            self._pieces.append(item)
            self._size += len(item)

    def end(self, error: BaseException | None, result: Any = None) -> None:
        with guard("observe"):
            self._run.output = "".join(self._pieces)[:MAX_TEXT_CHARS] or None if result is None else result
            self._run._end(error)  # pyright: ignore[reportPrivateUsage]
