"""
What is wrong with a call's record.
"""

import pytest

from collector.spans import Health
from tests.collector.assembly.stored import IDLE_MS, T0, assembled, chunk, completed, event, started

USAGE = {"promptTokens": 1}


def test_a_good_record_has_no_remarks() -> None:
    """Start, end and usage are there."""
    assert Health() == assembled(started(), completed(100, duration=100, usage=USAGE)).health


def test_a_missing_start_is_told() -> None:
    """Only the end was delivered."""
    assert assembled(completed(100, usage=USAGE)).health.missing_start


def test_a_missing_terminal_is_told_when_the_call_is_over() -> None:
    """Incomplete, or ended by the browser's word; not while it runs, and a stream error is a terminal event."""
    cancelled = event("run:cancelled", 50, requestId=None, runId="r")
    later = T0 + 100 + IDLE_MS

    assert assembled(started(), now_ms=later).health.missing_terminal
    assert assembled(started(runId="r"), run_ends=(cancelled,), now_ms=T0 + 40_000).health.missing_terminal
    assert not assembled(started()).health.missing_terminal
    assert not assembled(started(), event("text:chunk:error", 5, error="x"), now_ms=later).health.missing_terminal


@pytest.mark.parametrize(
    ("activity", "expected"),
    [("text", True), ("embedding", True), ("image", True), ("speech", False), ("video", False), ("agent", False)],
)
def test_missing_usage_counts_text_embedding_and_image_calls(activity: str, expected: bool) -> None:
    """Other providers tell none anyway; a running call may still tell it, a failed one has none to tell."""
    assert expected == assembled(started(0, activity), completed(100, activity)).health.missing_usage
    assert not assembled(started(0, activity), completed(100, activity, usage=USAGE)).health.missing_usage
    assert not assembled(started(0, activity)).health.missing_usage
    assert not assembled(started(0, activity), event(f"{activity}:request:error", 9, error="x")).health.missing_usage


def test_content_that_was_cut_is_told() -> None:
    """The sender says which paths."""
    assert assembled(started(truncated={"messages[0]": 70_000}), completed(100, usage=USAGE)).health.truncated


def test_late_is_what_came_after_the_export() -> None:
    """A chunk long after the settled end; the row says so, too."""
    events = (started(), completed(500, duration=500))
    straggler = chunk(300, "x", received_ms=60_000)

    assert not assembled(*events, straggler).call.late
    outcome = assembled(*events, straggler, exported="ok")
    assert (True, True) == (outcome.call.late, outcome.health.late)


def test_assembling_again_makes_nothing_late() -> None:
    """`reassemble` of a call whose usage followed its end in time."""
    events = (started(), chunk(10, "a", received_ms=9_000), completed(500, received_ms=500), chunk(9, "b", received_ms=1_200))
    in_time = (started(), completed(500, received_ms=500), event("text:usage", 501, received_ms=1_400, usage=USAGE))

    assert not assembled(*in_time, exported="ok").call.late
    assert assembled(*events, exported="ok").call.late


def test_late_for_our_hooks_is_after_both_ends() -> None:
    """Their calls go out as soon as start and end are stored."""
    events = (started(received_ms=100), completed(500, received_ms=600))

    assert not assembled(*events, chunk(300, "x", received_ms=600), exported="ok", is_own_hook=True).call.late
    assert assembled(*events, chunk(300, "x", received_ms=601), exported="ok", is_own_hook=True).call.late
    assert not assembled(*events, event("feedback", 0, received_ms=9_000), exported="ok", is_own_hook=True).call.late


def test_pauses_of_a_slow_stream_are_not_late() -> None:
    """Silence before the end is how models think; only silence after it is followed by late events."""
    events = (started(), chunk(20_000, "a"), completed(50_000, duration=50_000, usage=USAGE))

    assert not assembled(*events, exported="ok").call.late
