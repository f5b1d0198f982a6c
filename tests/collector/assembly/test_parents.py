"""
Which trace a call is in, and what is above it.
"""

import pytest

from collector.assembly.ids import call_span_id, tool_span_id, trace_id
from collector.assembly.parents import parse_traceparent
from collector.fields import bounded
from tests.collector.assembly.stored import assembled, completed, event, started

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


def placed(*events: object, trace: str | None = None, **payload: object) -> tuple[str, str | None]:
    outcome = assembled(started(0, **payload), *events, completed(100, duration=100), trace_id=trace)  # type: ignore[arg-type]
    span = outcome.spans[0]
    assert (span.trace_id, span.span_id) == (outcome.call.trace_id, outcome.call.span_id)
    return span.trace_id, span.parent_span_id


def test_the_hosts_span_is_the_parent() -> None:
    """Its trace, too."""
    assert (TRACE, SPAN) == placed(traceparent=TRACEPARENT, runId="run-1")


def test_the_enclosing_call_goes_before_the_hosts_span() -> None:
    """The trace is the host's all the same."""
    assert (TRACE, call_span_id("default", "req-0")) == placed(traceparent=TRACEPARENT, parentRequestId="req-0")


def test_a_call_made_in_a_tool_is_the_tools_child() -> None:
    """The tool's span id follows from its call and toolCallId, before it exists."""
    found = placed(parentRequestId="req-0", parentToolCallId="t9", rootRequestId="req-0")

    assert (trace_id("default", "req-0"), tool_span_id("default", "req-0", "t9")) == found


def test_without_any_it_is_a_root() -> None:
    """In a trace made from its requestId."""
    assert (trace_id("default", "req-1"), None) == placed()


def test_sources_of_a_trace_id_in_their_order() -> None:
    """traceparent, runId, jobId, rootRequestId, requestId."""
    ids = {"runId": "run", "jobId": "job", "rootRequestId": "root"}

    assert trace_id("default", "run") == placed(**ids)[0]
    assert trace_id("default", "job") == placed(jobId="job", rootRequestId="root")[0]
    assert trace_id("default", "root") == placed(rootRequestId="root")[0]


def test_very_long_ids_of_parent_and_child_agree() -> None:
    """A row's requestId is cut to fit its column, so what names it is cut alike."""
    long = "r" * 2_000
    parent = assembled(started(requestId=long), completed(100, requestId=long), request_id=bounded(long))
    child = assembled(started(parentRequestId=long, rootRequestId=long), completed(100))

    assert (bounded(long), parent.call.trace_id) == (child.call.parent_request_id, child.call.trace_id)
    assert parent.spans[0].span_id == child.spans[0].parent_span_id


def test_a_root_and_its_nested_call_share_a_trace() -> None:
    """One role for all sources: the root's requestId is the nested call's rootRequestId."""
    nested = assembled(started(rootRequestId="req-1", parentRequestId="req-1"), request_id="req-2")

    assert placed()[0] == nested.call.trace_id
    assert assembled(started()).call.span_id != nested.call.span_id


def test_a_trace_id_that_was_fixed_stays() -> None:
    """Spans may be out already; and a parent from another trace is no parent."""
    fixed = "11" * 16

    assert (fixed, None) == placed(trace=fixed, traceparent=TRACEPARENT)
    assert (TRACE, SPAN) == placed(trace=TRACE, traceparent=TRACEPARENT)


def test_the_first_valid_traceparent_counts() -> None:
    """The started event's is broken: the next one's is taken."""
    later = event("text:chunk:done", 50, traceparent=TRACEPARENT)
    last = event("text:chunk:done", 60, traceparent=f"00-{'1' * 32}-{'2' * 16}-01")

    assert (TRACE, SPAN) == placed(later, last, traceparent="00-00-00-00")


def test_a_call_is_not_its_own_parent() -> None:
    """A sender's mistake must not make a circle."""
    assert placed(parentRequestId="req-1")[1] is None


def test_an_unsampled_host_span_keeps_all_spans_out_of_export() -> None:
    """Flag 00: in SQL, not in OTLP; any other flag bit changes nothing."""
    tool = event("tools:call:completed", 50, toolCallId="t", toolName="x", duration=1)
    for flags, is_sampled in (("00", False), ("01", True), ("02", False), ("03", True)):
        outcome = assembled(started(traceparent=f"00-{TRACE}-{SPAN}-{flags}"), tool, completed(100, duration=100))
        assert [is_sampled, is_sampled] == [span.is_sampled for span in outcome.spans]
    assert assembled(started(), completed(100)).spans[0].is_sampled


@pytest.mark.parametrize(
    "broken",
    [
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01\n",
        f" {TRACEPARENT}",
        "",
        None,
        7,
    ],
)
def test_a_traceparent_that_breaks_the_rules_is_none(broken: object) -> None:
    """W3C trace context, section 3.2."""
    assert parse_traceparent(broken) is None


def test_a_later_version_may_have_a_tail() -> None:
    """What is known of it is read."""
    found = parse_traceparent(f"01-{TRACE}-{SPAN}-01-future")

    assert found is not None
    assert (TRACE, SPAN, True) == (found.trace_id, found.span_id, found.is_sampled)
