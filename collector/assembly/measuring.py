"""
What a settled call adds to the metrics.

Flow: call, spans, facts -> **measurements** -> pipeline -> meter.
Read off the spans, so that both signals say the same: what carries usage on a span counts tokens, and nothing counts twice.
All calls count, also those whose host span is not sampled. Attributes never name one request, conversation or user.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from collector import instruments, semconv
from collector.assembly.facts import Facts
from collector.fields import name, number
from collector.spans import Call, Measurement, Span, ToolCall

MAX_WEIGHT = 10_000.0
"""One call stands for no more than so many, whatever sample rate it claims."""

_OPERATION = (semconv.OPERATION_NAME, semconv.PROVIDER_NAME, semconv.REQUEST_MODEL, semconv.RESPONSE_MODEL)
_TOOL = (semconv.OPERATION_NAME, semconv.TOOL_NAME)
_TOKENS = (
    ((instruments.TOKEN_TYPE, instruments.INPUT), semconv.USAGE_INPUT_TOKENS),
    ((instruments.TOKEN_TYPE, instruments.OUTPUT), semconv.USAGE_OUTPUT_TOKENS),
)

Attributes = tuple[tuple[str, str], ...]
"""Sorted by name: `error.type` comes before all that begins with gen_ai, `gen_ai.token.type` behind the others."""


def measure_settled(facts: Facts, call: Call, spans: Iterable[Span], tools: Iterable[ToolCall]) -> tuple[Measurement, ...]:
    """Durations, tokens, chunk and tool times of one call. Empty where nothing of it is known."""
    weight = _weight(facts)
    tool_ms = {tool.tool_call_id: tool.duration_ms for tool in tools}
    found: list[Measurement | None] = []
    for span in spans:
        if span.kind == "tool":
            found.append(_tool(span, tool_ms.get(span.tool_call_id or ""), weight))
        elif span.kind in ("call", "model_call"):
            found.extend(_operation(span, call, weight))
    found.append(_chunks(facts, call, weight))
    return tuple([one for one in found if one is not None])


def _operation(span: Span, call: Call, weight: float) -> Iterable[Measurement | None]:
    about = span.attributes
    attributes = _picked(about, _OPERATION)
    is_whole_call = span.kind == "call"
    # Errors are sent whatever the sample rate is: each stands for itself.
    own_weight = 1.0 if span.status == "error" else weight
    duration_ms = call.duration_ms if is_whole_call else span.duration_ms
    first_s = about.get(semconv.RESPONSE_TIME_TO_FIRST_CHUNK) if is_whole_call else None
    return (
        _one(instruments.OPERATION_DURATION, (*_error(span), *attributes), _s(duration_ms), own_weight),
        *[_one(instruments.TOKEN_USAGE, (*attributes, kind), about.get(key), own_weight) for kind, key in _TOKENS],
        _one(instruments.TIME_TO_FIRST_CHUNK, attributes, first_s, own_weight),
    )


def _tool(span: Span, duration_ms: float | None, weight: float) -> Measurement | None:
    attributes = (*_error(span), *_picked(span.attributes, _TOOL))
    return _one(instruments.TOOL_DURATION, attributes, _s(duration_ms), 1.0 if span.status == "error" else weight)


def _chunks(facts: Facts, call: Call, weight: float) -> Measurement | None:
    """The times between chunks of one message: what lies between two turns of a loop is tools, not the model."""
    if not facts.streamed or facts.asked.get("streaming") is False:
        return None
    times: dict[str, list[float]] = {}
    for event, times_ms in facts.streamed:
        times.setdefault(name(event.payload.get("messageId")) or "", []).extend(times_ms)
    gaps_s = [(later - before) / 1000 for message in times.values() for before, later in pairwise(sorted(message))]
    told = {
        semconv.OPERATION_NAME: semconv.CHAT if call.operation == semconv.INVOKE_AGENT else call.operation,
        semconv.PROVIDER_NAME: call.provider or semconv.UNKNOWN_PROVIDER,
        semconv.REQUEST_MODEL: call.model,
        semconv.RESPONSE_MODEL: call.response_model,
    }
    return _many(instruments.TIME_PER_OUTPUT_CHUNK, _picked(told, _OPERATION), gaps_s, 1.0 if call.status == "error" else weight)


def _weight(facts: Facts) -> float:
    """How many calls this one stands for: of calls with `sampleRate` r, one in 1/r was sent."""
    rate = number(facts.asked.get("sampleRate"))
    return min(1 / rate, MAX_WEIGHT) if rate is not None and 0 < rate < 1 else 1.0


def _error(span: Span) -> Attributes:
    return ((semconv.ERROR_TYPE, span.error_type),) if span.error_type else ()


def _picked(attributes: Mapping[str, Any], names: Iterable[str]) -> Attributes:
    return tuple([(key, value) for key in names if isinstance(value := attributes.get(key), str) and value])


def _s(duration_ms: float | None) -> float | None:
    return None if duration_ms is None else duration_ms / 1000


def _one(metric: str, attributes: Attributes, value: float | None, weight: float) -> Measurement | None:
    # A comparison with what is no number is false.
    if value is None or not value >= 0:
        return None
    return Measurement(metric=metric, attributes=attributes, values=(value,), weight=weight)


def _many(metric: str, attributes: Attributes, values: Sequence[float], weight: float) -> Measurement | None:
    counted = tuple([value for value in values if value >= 0])
    return Measurement(metric=metric, attributes=attributes, values=counted, weight=weight) if counted else None
