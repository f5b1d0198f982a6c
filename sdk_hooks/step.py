"""
One event inside the call around it: a handoff, a guardrail's verdict.

Flow: hooks of frameworks -> **step** -> emitter.
A step is over when it is told; its event carries the requestId of the call around it.
"""

from collections.abc import Iterator
from time import perf_counter_ns, time_ns

from sdk_hooks import context
from sdk_hooks.config import NO_LAYER, CallSettings, Event, Layer
from sdk_hooks.context import Enclosing
from sdk_hooks.fields import settings_fields
from sdk_hooks.runtime import current_runtime
from sdk_hooks.snapshot import Snapshot, take


class Step:
    """Something that happened, on its way to the emitter."""

    __slots__ = ("_around", "_at_ms", "_fields", "_type", "is_done", "is_sampled", "settings", "size_bytes")

    def __init__(self, settings: CallSettings, around: Enclosing, event_type: str, fields: Snapshot) -> None:
        self.settings = settings
        self._around = around
        self._type = event_type
        self._fields = fields
        self._at_ms = time_ns() / 1e6
        self.size_bytes = fields.size_bytes + 512
        self.is_sampled = around.is_sampled
        self.is_done = False

    def drain(self) -> Iterator[Event]:
        """In the emitter's thread: the event."""
        self.is_done = True
        around = self._around
        event: Event = {"type": self._type, "timestamp": self._at_ms, "requestId": around.request_id}
        if around.tool_call_id is not None:
            event["parentToolCallId"] = around.tool_call_id
        yield event | self._fields.open() | settings_fields(self.settings, around.run_id)


def record_step(event_type: str, fields: Event, *, began_ns: int, layer: Layer = NO_LAYER) -> None:
    """Record what began at `began_ns` and is over now, in the call of this context. Without one there is nothing to tell."""
    around = context.enclosing()
    if around is None or not around.is_sampled or context.is_suppressed():
        return
    runtime = current_runtime()
    settings = runtime.config.for_call(layer)
    if settings.disabled:
        return
    timed = {**fields, "duration": (perf_counter_ns() - began_ns) / 1e6}
    if runtime.emitter.offer(Step(settings, around, event_type, take(timed))):
        runtime.emitter.ended()
