"""
Which calls' spans are worth sending: all that tell of trouble, and a part of the others.

Flow: pipeline -> **Sampling** -> exporters. SQL keeps every call; this is about what a tracing backend has to hold.
Pure: the trace's own id decides, so a trace goes whole or not at all, and every collector decides alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from collector.spans import Assembled, Span

ATTRIBUTE = "hookline.sample_rate"
"""On spans of calls: each stands for 1 / rate calls of its kind."""
_BITS = 56
"""OpenTelemetry's share of a trace id that is random: other samplers that go by it agree with us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """`rate` of the calls that went well and were not slow; every other call."""

    rate: float = 1.0
    slow_ms: float = 10_000.0

    def spans_to_send(self, assembled: Assembled) -> Sequence[Span]:
        """A settled call's spans, as they go out; none where the call is not in the sample."""
        if self.rate >= 1.0:
            return assembled.spans
        if self.tells_of_trouble(assembled):
            return _with_rate(assembled.spans, 1.0)
        return _with_rate(assembled.spans, self.rate) if is_in_sample(assembled.call.trace_id, self.rate) else ()

    def tells_of_trouble(self, assembled: Assembled) -> bool:
        """Whether the call failed, broke off, has no end, was slow, or had something inside that failed."""
        call = assembled.call
        is_slow = call.duration_ms is not None and call.duration_ms >= self.slow_ms
        return is_slow or call.status != "ok" or any(span.status == "error" for span in assembled.spans)


def is_in_sample(trace_id: str | None, rate: float) -> bool:
    """Whether a trace is in a sample; those of a smaller rate are in every larger one."""
    if trace_id is None:
        return True
    return int(trace_id[-_BITS // 4 :], 16) < rate * (1 << _BITS)


def _with_rate(spans: Sequence[Span], rate: float) -> Sequence[Span]:
    return [replace(span, attributes={**span.attributes, ATTRIBUTE: rate}) if span.kind == "call" else span for span in spans]
