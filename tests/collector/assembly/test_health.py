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


def test_late_is_what_came_after_the_call_settled() -> None:
    """A chunk long after the settled end, whether it was exported or not; the row says so, too."""
    events = (started(), completed(500, duration=500))
    straggler = chunk(300, "x", received_ms=60_000)

    assert not assembled(*events, straggler).call.late
    outcome = assembled(*events, straggler, settled_ms=T0 + 1_500)
    assert (True, True) == (outcome.call.late, outcome.health.late)


def test_assembling_again_makes_nothing_late() -> None:
    """`reassemble` of a call whose last events came before it settled, pauses or not."""
    pauses = (started(), chunk(20_000, "a"), completed(50_000, duration=50_000), event("text:usage", 50_900, usage=USAGE))

    assert not assembled(*pauses, settled_ms=T0 + 51_900).call.late
    assert not assembled(*pauses, settled_ms=T0 + 50_900).call.late


def test_what_somebody_thinks_of_a_call_is_not_late() -> None:
    """Feedback comes afterwards by nature."""
    events = (started(), completed(500), event("feedback", 0, received_ms=9_000))

    assert not assembled(*events, settled_ms=T0 + 600).call.late
