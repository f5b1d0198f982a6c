"""
One run of a tool: started and completed, inside the call around it.

Flow: `observe`, hooks of frameworks -> **toolrun** -> emitter.
A tool is no call of its own: its events carry the requestId of the call around it, and calls made inside name it as
`parentToolCallId`.
"""

from collections.abc import Iterator
from time import perf_counter_ns, time_ns
from typing import Any

from sdk_hooks import context
from sdk_hooks.config import NO_LAYER, CallSettings, Event, Layer
from sdk_hooks.context import Enclosing
from sdk_hooks.fields import error_fields, settings_fields
from sdk_hooks.runtime import Runtime, current_runtime
from sdk_hooks.snapshot import Snapshot, take_any


class ToolRun:
    """A tool while it runs. The first of `complete`, `fail` and `abort` wins, the others do nothing."""

    __slots__ = (
        "_around",
        "_end",
        "_input",
        "_is_announced",
        "_open",
        "_runtime",
        "_start_ns",
        "_start_wall_ns",
        "is_done",
        "is_sampled",
        "name",
        "settings",
        "size_bytes",
        "tool_call_id",
    )

    def __init__(
        self, runtime: Runtime, settings: CallSettings, around: Enclosing | None, name: str, given: Snapshot, tool_call_id: str
    ) -> None:
        self._runtime = runtime
        self.settings = settings
        self._around = around
        self.name = name
        self._input: Snapshot | None = given
        self.tool_call_id = tool_call_id
        self.size_bytes = given.size_bytes + 512
        self.is_sampled = around is None or around.is_sampled
        self._start_wall_ns = time_ns()
        self._start_ns = perf_counter_ns()
        self._open = [True]
        self._end: tuple[int, Snapshot | None, dict[str, str] | None] | None = None
        self._is_announced = False
        self.is_done = False

    def complete(self, result: Any = None) -> None:
        self._finish(take_any(result), None)

    def fail(
        self, error: BaseException | None = None, *, name: str | None = None, message: str | None = None, result: Any = None
    ) -> None:
        """With an exception, or with what a framework made of one: then `result` is what the model gets to read."""
        self._finish(None if result is None else take_any(result), error_fields(error, name, message))

    def abort(self) -> None:
        self._finish(None, {"name": "Aborted", "message": ""})

    def _finish(self, result: Snapshot | None, error: dict[str, str] | None) -> None:
        try:
            self._open.pop()
        except IndexError:
            return
        self._end = (perf_counter_ns(), result, error)
        if not self.is_sampled and (error is None or not self._runtime.emitter.offer(self)):
            self.is_done = True
            return
        self._runtime.emitter.ended()

    def as_enclosing(self) -> Enclosing | None:
        """For `context.enter`: calls made from now on are inside this tool."""
        return None if self._around is None else self._around._replace(tool_call_id=self.tool_call_id)

    def drain(self) -> Iterator[Event]:
        """In the emitter's thread: the events that are new since the last time."""
        end = self._end
        if not self._is_announced:
            self._is_announced = True
            given, self._input = self._input, None
            started = self._event("started", self._start_ns)
            if given is not None and (value := given.open()) is not None:
                started["input"] = value
            yield started
        if end is not None:
            self.is_done = True
            yield self._completed(*end)

    def _completed(self, at_ns: int, result: Snapshot | None, error: dict[str, str] | None) -> Event:
        event = self._event("completed", at_ns)
        event["result"] = result.open() if result else None
        event["duration"] = (at_ns - self._start_ns) / 1e6
        if error is not None:
            event["error"] = error
        return event

    def _event(self, what: str, at_ns: int) -> Event:
        event: Event = {
            "type": f"tools:call:{what}",
            "timestamp": (self._start_wall_ns + at_ns - self._start_ns) / 1e6,
            "toolCallId": self.tool_call_id,
            "toolName": self.name,
        }
        around = self._around
        if around is not None:
            event |= {"requestId": around.request_id, "streamId": around.request_id}
            if around.tool_call_id:
                event["parentToolCallId"] = around.tool_call_id
        return event | settings_fields(self.settings, around.run_id if around else self.settings.run_id)


def start_tool(name: str, given: Any, tool_call_id: str | None = None, *, layer: Layer = NO_LAYER) -> ToolRun | None:
    """Begin to record a run of a tool inside the call of this context. None: not recorded."""
    runtime = current_runtime()
    settings = runtime.config.for_call(layer)
    if settings.disabled or context.is_suppressed():
        return None
    made_up = tool_call_id or f"call-{runtime.identity.prefix}-{runtime.identity.request_number()}"
    run = ToolRun(runtime, settings, context.enclosing(), name, take_any(given), made_up)
    return run if not run.is_sampled or runtime.emitter.offer(run) else None
