"""
How a call ends, and when it is looked at again.
"""

from typing import Any

import pytest

from collector.spans import Assembled
from tests.collector.assembly.stored import IDLE_MS, SETTLE_MS, T0, assembled, attributes, chunk, completed, event, started

QUIET_MS = 30_000


def at(outcome: Assembled) -> float | None:
    return None if outcome.call.end_ms is None else outcome.call.end_ms - T0


def done(at_ms: float, reason: str = "tool_calls", message_id: str = "m1"):
    return event("text:chunk:done", at_ms, messageId=message_id, finishReason=reason)


def run_end(kind: str, at_ms: float, **payload: Any):
    return event(f"run:{kind}", at_ms, requestId=None, runId="run-1", **payload)


@pytest.mark.parametrize(
    ("ending", "status"),
    [("completed", "ok"), ("error", "error"), ("aborted", "aborted")],
)
@pytest.mark.parametrize("activity", ["text", "image", "embedding", "speech", "summarize", "agent", "moderation", "liveVideo"])
def test_each_activity_ends_by_its_own_word(activity: str, ending: str, status: str) -> None:
    """completed, error and aborted of every activity are terminal, and the call ends at their time."""
    outcome = assembled(started(0, activity), event(f"{activity}:request:{ending}", 800, duration=800))

    assert (status, 800) == (outcome.call.status, at(outcome))


def test_an_ending_of_another_activity_is_not_the_calls() -> None:
    """The started event says what the call is; an image that ends inside it is not its end."""
    outcome = assembled(started(), event("image:request:completed", 300, duration=100))

    assert ("running", "chat") == (outcome.call.status, outcome.call.operation)


def test_the_first_of_two_endings_counts() -> None:
    """Of equals the first by order: an abort after the completion changes nothing."""
    outcome = assembled(started(), completed(500, duration=500), event("text:request:aborted", 600, duration=600))

    assert ("ok", 500) == (outcome.call.status, at(outcome))


def test_the_calls_own_end_beats_the_streams_error() -> None:
    """A stream error that the host recovered from is not how the call ended."""
    outcome = assembled(started(), event("text:chunk:error", 300, error="reset"), completed(500, duration=500))

    assert ("ok", 500) == (outcome.call.status, at(outcome))


def test_the_streams_error_beats_the_browsers_word() -> None:
    """The server's own event is first hand: time and message are its."""
    outcome = assembled(
        started(runId="run-1"),
        event("text:chunk:error", 300, error="upstream failed"),
        run_ends=(run_end("cancelled", 350),),
    )

    assert ("error", 300, "upstream failed") == (outcome.call.status, at(outcome), outcome.call.error_message)


def test_a_stream_that_waits_for_a_client_tool_is_over() -> None:
    """The second stop, after the input was handed to the client, ends the call well; the client's answer is another call."""
    outcome = assembled(
        started(),
        done(300),
        event("tools:input:available", 310, messageId="m1", toolCallId="t1", toolName="locate", input={"a": 1}),
        done(320),
    )

    assert ("ok", 320) == (outcome.call.status, at(outcome))
    assert "client_tool" == attributes(outcome)["hookline.waiting"]
    assert ("waiting", '{"a":1}') == (outcome.tool_calls[0].status, outcome.tool_calls[0].arguments)


def test_a_stream_that_waits_for_an_approval_says_so() -> None:
    """A human has to allow the tool: `approval`."""
    asked = event("tools:approval:requested", 310, messageId="m1", toolCallId="t1", toolName="pay", approvalId="a1")
    outcome = assembled(started(), done(300), asked, done(320))

    assert ("ok", "approval") == (outcome.call.status, attributes(outcome)["hookline.waiting"])


def test_a_stop_before_the_question_is_no_end() -> None:
    """The model stops to call tools all the time; only a stop after the question ends the call."""
    asked = event("tools:input:available", 310, messageId="m1", toolCallId="t1", toolName="locate")

    assert "running" == assembled(started(), done(300), asked).call.status
    assert "running" == assembled(started(), done(300), asked, done(320, message_id="m2")).call.status


def test_a_stop_in_the_millisecond_of_the_question_is_the_end() -> None:
    """Two stops of one millisecond are equal in every field, so one event: whichever side of the question it is, it ends."""
    asked = event("tools:input:available", 300, messageId="m1", toolCallId="t1", toolName="locate", arrival=5)

    for arrival in (4, 6):
        stop = event("text:chunk:done", 300, messageId="m1", finishReason="tool_calls", arrival=arrival)
        assert "ok" == assembled(started(), asked, stop).call.status


def test_the_last_stop_is_the_end_of_a_call_that_waits() -> None:
    """The first may share the question's millisecond, and then looks as if it came after it."""
    asked = event("tools:input:available", 300, messageId="m1", toolCallId="t1", toolName="locate")

    assert 320 == at(assembled(started(), done(300), asked, done(320)))


def test_the_calls_own_end_beats_waiting() -> None:
    """A later request:completed is the end, and nothing waits."""
    asked = event("tools:input:available", 310, messageId="m1", toolCallId="t1", toolName="locate")
    outcome = assembled(started(), done(300), asked, done(320), completed(400, duration=400))

    assert 400 == at(outcome)
    assert "hookline.waiting" not in attributes(outcome)


@pytest.mark.parametrize(("kind", "status"), [("errored", "error"), ("cancelled", "aborted")])
def test_the_run_ends_a_call_that_has_no_end_of_its_own(kind: str, status: str) -> None:
    """The end is the call's last own event, not the browser's clock; the run's error is the call's."""
    ended = run_end(kind, 5_000, error="503 away")
    outcome = assembled(started(), chunk(700, "a"), run_ends=(ended,), now_ms=T0 + 700 + QUIET_MS)

    assert (status, 700, True) == (outcome.call.status, at(outcome), outcome.settled)
    expected = ("503", "503 away") if kind == "errored" else (None, None)
    assert expected == (outcome.call.error_type, outcome.call.error_message)


def test_the_browsers_word_is_believed_after_30_silent_seconds() -> None:
    """Until then the server may go on: the call runs, and is looked at when the time is over, whatever the idle timeout."""
    for idle_ms in (10_000, IDLE_MS):
        outcome = assembled(
            started(),
            chunk(700, "a"),
            run_ends=(run_end("cancelled", 900),),
            now_ms=T0 + 700 + QUIET_MS - 1,
            idle_timeout_ms=idle_ms,
        )
        assert ("running", False, T0 + 700 + QUIET_MS) == (outcome.call.status, outcome.settled, outcome.look_again_ms)


def test_a_run_that_ended_long_after_the_call_fell_silent_says_nothing_about_it() -> None:
    """More than the idle timeout between them: the call is incomplete by itself."""
    ended = run_end("cancelled", 700 + IDLE_MS + 1)
    outcome = assembled(started(), chunk(700, "a"), run_ends=(ended,), now_ms=T0 + 800 + IDLE_MS)

    assert "incomplete" == outcome.call.status


def test_the_browsers_clock_does_not_matter() -> None:
    """Receipts are compared: a browser an hour behind cancels its run all the same."""
    ended = run_end("cancelled", -3_600_000, received_ms=900)
    outcome = assembled(started(), chunk(700, "a"), run_ends=(ended,), now_ms=T0 + 700 + QUIET_MS)

    assert "aborted" == outcome.call.status


def test_no_news_for_the_idle_timeout_is_incomplete() -> None:
    """Counted from receipt; the end is the last own event, and the span says so."""
    events = (started(), chunk(700, "a", received_ms=9_000))

    waiting = assembled(*events, now_ms=T0 + 9_000 + IDLE_MS - 1)
    assert ("running", None, False) == (waiting.call.status, waiting.call.end_ms, waiting.settled)
    assert () == waiting.spans
    outcome = assembled(*events, now_ms=T0 + 9_000 + IDLE_MS)
    assert ("incomplete", 700, "incomplete", True) == (
        outcome.call.status,
        at(outcome),
        outcome.call.error_type,
        outcome.settled,
    )
    assert attributes(outcome)["hookline.incomplete"] is True
    assert "incomplete" == outcome.spans[0].error_type


def test_feedback_is_no_sign_of_life() -> None:
    """What somebody thinks of an answer doesn't move the end of the call."""
    outcome = assembled(started(), chunk(700, "a"), event("feedback", 90_000, score=1), now_ms=T0 + 90_000 + IDLE_MS)

    assert 700 == at(outcome)


def test_an_end_after_all_replaces_incomplete() -> None:
    """Exported as incomplete, then the end came: the outcome is whole and settled, for the one more time it may go out."""
    outcome = assembled(started(), completed(500, duration=500, received_ms=4_000_000), settled_ms=T0 + IDLE_MS)

    assert ("ok", True, True) == (outcome.call.status, outcome.settled, outcome.call.late)


def test_a_failed_status_or_an_error_finish_is_an_error() -> None:
    """The provider says it failed although the host saw no exception."""
    failed = assembled(started(0, "video"), completed(500, "video", status="failed", error="policy", duration=500))
    finished = assembled(started(), completed(500, finishReason="error", duration=500))
    streamed = assembled(started(), done(490, "error"), completed(500, duration=500))

    assert ("error", "_OTHER", "policy") == (failed.call.status, failed.call.error_type, failed.call.error_message)
    for outcome in (finished, streamed):
        assert ("error", "error", "_OTHER") == (outcome.call.finish_reason, outcome.call.status, outcome.call.error_type)


def test_calls_of_others_settle_after_the_settling_time() -> None:
    """Usage and stragglers may follow the end; the row is finished at once, the spans go out later."""
    events = (started(), completed(500, duration=500, received_ms=600))

    early = assembled(*events, now_ms=T0 + 600)
    assert ("ok", False, T0 + 600 + SETTLE_MS) == (early.call.status, early.settled, early.look_again_ms)
    late = assembled(*events, now_ms=T0 + 600 + SETTLE_MS)
    assert (True, None) == (late.settled, late.look_again_ms)


def test_calls_of_our_hooks_settle_at_once() -> None:
    """Our emitters send in order: with start and end stored nothing is under way. Without the start it waits."""
    both = assembled(started(), completed(500, duration=500), is_own_hook=True, now_ms=T0 + 500)
    end_only = assembled(completed(500, duration=500), is_own_hook=True, now_ms=T0 + 500)

    assert (True, False) == (both.settled, end_only.settled)


def test_a_live_stream_is_looked_at_ever_more_rarely() -> None:
    """A look costs as much as the call is long: the wait grows with its age, and ends with the idle timeout."""
    events = (started(), chunk(100, "a"))
    waits = []
    for age_ms in (0, 4_000, 60_000):
        outcome = assembled(*events, now_ms=T0 + age_ms, last_received_ms=T0 + age_ms)
        assert outcome.look_again_ms is not None
        waits.append(outcome.look_again_ms - (T0 + age_ms))
    near_idle = assembled(*events, now_ms=T0 + 100 + IDLE_MS - 5)

    assert [SETTLE_MS, 4_000, 60_000] == waits
    assert T0 + 100 + IDLE_MS == near_idle.look_again_ms
