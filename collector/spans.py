"""
What assembly makes of a call's events: the call, its spans, tools, usage and health.

Flow: storage -> assembly -> **these values** -> storage -> exporters.
Plain data. Times are Unix milliseconds (`_ms`, may have a fraction) or nanoseconds (`_ns`).
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from collector.values import value

Status = Literal["running", "ok", "error", "aborted", "incomplete"]
SpanKind = Literal["call", "model_call", "tool", "handoff", "guardrail", "memory"]


@value
class Usage:
    """
    Tokens of one model call or their sum. None is "not told", never 0.

    `input_tokens` includes `cache_read_tokens` and `cache_write_tokens`; `output_tokens` includes `reasoning_tokens`
    (OpenTelemetry GenAI conventions, gen_ai.usage.*).
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None


@value
class UsageRow:
    """One usage that was counted: a row of `token_usage`. `n` numbers them inside the call, from 0."""

    n: int
    message_id: str | None
    model: str | None
    at_ms: float
    usage: Usage


@value
class ToolCall:
    """A tool that the model called: a row of `tool_calls`. Without a completed event it was asked for, not seen to run."""

    n: int
    tool_call_id: str
    tool_name: str | None
    message_id: str | None
    arguments: str | None
    result: str | None
    status: Literal["requested", "waiting", "ok", "error"]
    error: str | None
    start_ms: float | None
    end_ms: float | None
    duration_ms: float | None


@value
class Call:
    """One SDK invocation: a row of `calls`. `duration_ms`, `end_ms` are None while it runs or where no start is known."""

    project: str
    request_id: str
    parent_request_id: str | None
    operation: str
    status: Status
    start_ms: float | None
    end_ms: float | None
    duration_ms: float | None
    time_to_first_chunk_ms: float | None
    provider: str | None
    model: str | None
    response_model: str | None
    finish_reason: str | None
    error_type: str | None
    error_message: str | None
    usage: Usage
    usage_source: Literal["provider", "missing"]
    cost_source: str | None
    """provider, genai-prices, or None where no cost is known."""
    chunk_count: int
    tool_count: int
    image_count: int
    prompt_preview: str | None
    answer_preview: str | None
    service: str
    client_id: str | None
    thread_id: str | None
    run_id: str | None
    session_id: str | None
    user_id: str | None
    trace_id: str
    span_id: str
    late: bool
    tags: Mapping[str, Any] | None
    ribbon: str | None = None
    """When its chunks came: see `assembly.ribbon`."""


@value
class Span:
    """One OpenTelemetry span: a row of `spans`, and what an exporter sends."""

    project: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    request_id: str
    kind: SpanKind
    name: str
    start_ns: int
    end_ns: int
    status: Status
    error_type: str | None
    error_message: str | None
    tool_name: str | None
    tool_call_id: str | None
    is_client: bool
    """CLIENT where it leaves the process, else INTERNAL."""
    is_sampled: bool
    """False where the host's span is not sampled: stays in SQL, is not exported."""
    attributes: Mapping[str, Any] = field(repr=False)

    @property
    def duration_ms(self) -> float:
        return (self.end_ns - self.start_ns) / 1e6


@value
class Health:
    """What is wrong with a call's record: a row of `trace_health` (which adds `orphan_parent`, a look at other calls)."""

    missing_terminal: bool = False
    missing_start: bool = False
    missing_usage: bool = False
    late: bool = False
    skew_ms: float | None = None
    truncated: bool = False
    sequence_gap: bool = False


@value
class Measurement:
    """
    Values that a call adds to one metric, all with the same attributes.

    `weight` is how many calls each value stands for: more than 1 where the sender samples.
    """

    metric: str
    """A name of `instruments.INSTRUMENTS`."""
    attributes: tuple[tuple[str, str], ...]
    """Sorted by name."""
    values: tuple[float, ...] = field(repr=False)
    weight: float = 1.0


@value
class Assembled:
    """
    The outcome of one assembly.

    `settled`: nothing more is expected; spans may go out. Otherwise `look_again_ms` says when to look again although no
    event comes (Unix ms), for instance when the idle timeout ends.
    """

    call: Call
    spans: tuple[Span, ...]
    tool_calls: tuple[ToolCall, ...]
    usage: tuple[UsageRow, ...]
    health: Health
    settled: bool
    look_again_ms: int | None = None
    measurements: tuple[Measurement, ...] = ()
    """What the call adds to the metrics, told when it is settled. Whoever counts must do so once a call."""
