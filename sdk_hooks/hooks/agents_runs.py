"""
Runs: what is behind Runner.run, run_sync and run_streamed.

Flow: Runner -> **run** -> recorder, as `agent:request:*`; whatever is called inside is its child.
A streamed run goes on in a task of its own whether or not its events are read: it ends when that task does.
"""

import sys
from contextlib import suppress as ignoring
from contextvars import Token
from time import perf_counter_ns
from typing import Any

from sdk_hooks import context
from sdk_hooks.config import Event, Layer
from sdk_hooks.context import Enclosing
from sdk_hooks.guard import guard
from sdk_hooks.hooks.agents_answers import shown
from sdk_hooks.hooks.agents_asked import RUN, InRun, layer_for
from sdk_hooks.hooks.stainless.loops import IsEnding
from sdk_hooks.hooks.stainless.notes import is_interruption
from sdk_hooks.observing import AGENT
from sdk_hooks.recorder import Call, start_call
from sdk_hooks.snapshot import take_any


class Run:
    """One run, from the Runner's arguments to its result."""

    __slots__ = ("_call", "_entered", "_token")

    def __init__(self, call: Call | None, layer: Layer) -> None:
        self._call = call
        self._token = RUN.set(InRun(layer))
        self._entered: Token[Enclosing | None] | None = None if call is None else context.enter(call.as_enclosing())

    def returned(self, result: Any) -> Any:
        self._leave()
        call = self._call
        if call is not None:
            task = getattr(result, "run_loop_task", None)
            if task is None:
                complete(call, result)
            else:
                task.add_done_callback(StreamedEnd(call, result))
        return result

    def raised(self, error: BaseException) -> None:
        self._leave()
        if self._call is not None:
            self._call.fail(error)

    def _leave(self) -> None:
        if self._entered is not None:
            context.leave(self._entered)
        # A coroutine that is thrown away is closed in whatever context is at hand.
        with ignoring(ValueError):
            RUN.reset(self._token)
        if self._call is not None and self._call.is_sampled:
            # For the lines after it the run is the last call, not one of those inside.
            context.note_call(self._call.request_id, context.enclosing(), self._call.host_span)


def begin_run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Run | None:
    """The runner comes first."""
    agent = args[1] if len(args) > 1 else kwargs.get("starting_agent")
    layer = layer_for(agent, kwargs.get("run_config"))
    if layer is None:
        return None
    asked: Any = args[2] if len(args) > 2 else kwargs.get("input")
    started: Event = {"agentName": str(getattr(agent, "name", None) or type(agent).__name__)}
    # A resumed state is no input; what it holds was recorded when it came.
    if isinstance(asked, (str, list)):
        started["input"] = asked
    return Run(start_call(AGENT, started, provider=None, model=None, layer=layer), layer)


def complete(call: Call, result: Any) -> None:
    output = getattr(result, "final_output", None)
    call.complete(None if output is None else take_any(shown(output)))


class StreamedEnd:
    """
    Ends the call of a streamed run when its task is done.

    The loop's callback is the only one who holds it: a task that never gets done, because its loop was closed, drops it.
    """

    __slots__ = ("_call", "_result")

    def __init__(self, call: Call, result: Any) -> None:
        self._call = call
        self._result = result

    def __call__(self, task: Any) -> None:
        at_ns = perf_counter_ns()
        with guard("agents.streamed"):
            self._end(task, at_ns)

    def _end(self, task: Any, at_ns: int) -> None:
        call, result = self._call, self._result
        error = _error_of(task, result)
        is_short = result.final_output is None and getattr(result, "_cancel_mode", "none") != "none"
        if error is not None and not is_interruption(error):
            call.fail(error, at_ns=at_ns)
        elif _is_over_limit(result):
            # The task ends well, and whoever reads the events gets the exception, if anybody does.
            call.fail(name="MaxTurnsExceeded", message=f"Max turns ({result.max_turns}) exceeded", at_ns=at_ns)
        elif error is not None or task.cancelled() or is_short:
            call.abort(at_ns=at_ns)
        else:
            complete(call, result)

    def __del__(self, is_ending: IsEnding = sys.is_finalizing) -> None:
        if not is_ending():
            with guard("agents.streamed"):
                self._call.abort()


def _error_of(task: Any, result: Any) -> BaseException | None:
    """What the reader of the events will get, or would get: looked at, never taken out."""
    stored = getattr(result, "_stored_exception", None)
    if stored is not None:
        return stored
    for found in (task, getattr(result, "_input_guardrails_task", None)):
        # Not `exception()`: that would tell asyncio that the host has seen it, which then logs nothing.
        error = getattr(found, "_exception", None)
        if error is not None:
            return error
    tripped = getattr(result, "_triggered_input_guardrail_result", None)
    if tripped is not None and not getattr(result, "_tool_error_selected", False):
        from agents import InputGuardrailTripwireTriggered

        return InputGuardrailTripwireTriggered(tripped)
    return None


def _is_over_limit(result: Any) -> bool:
    limit = getattr(result, "max_turns", None)
    return limit is not None and result.current_turn > limit and not getattr(result, "_max_turns_handled", False)
