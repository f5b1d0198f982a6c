"""
What settled calls add to the metrics: which, once, of what, and for how many.
"""

from typing import Any

import pytest

from collector.spans import Assembled, Measurement
from tests.collector.assembly.stored import SETTLE_MS, T0, assembled, chunk, completed, event, started

USAGE = {"promptTokens": 30, "completionTokens": 7, "totalTokens": 37}
MODEL = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}


def measured(outcome: Assembled, metric: str) -> list[Measurement]:
    return [one for one in outcome.measurements if one.metric == f"gen_ai.{metric}"]


def only(outcome: Assembled, metric: str) -> Measurement:
    (found,) = measured(outcome, metric)
    return found


def test_a_streamed_call_measures_duration_tokens_and_chunks() -> None:
    """Seconds and tokens; the response's model beside the request's; one value for each chunk after the first."""
    outcome = assembled(
        started(streaming=True),
        chunk(200, "a"),
        chunk(230, "b"),
        chunk(300, "c"),
        completed(1000, duration=1000, timeToFirstChunk=200, usage=USAGE, responseModel="gpt-4o-2024-08-06"),
    )

    about = MODEL | {"gen_ai.response.model": "gpt-4o-2024-08-06"}
    assert (about, (1.0,)) == _told(only(outcome, "client.operation.duration"))
    assert (about, (0.2,)) == _told(only(outcome, "client.operation.time_to_first_chunk"))
    attributes, gaps = _told(only(outcome, "client.operation.time_per_output_chunk"))
    assert about == attributes
    assert pytest.approx((0.03, 0.07)) == gaps
    tokens = {dict(one.attributes)["gen_ai.token.type"]: one.values for one in measured(outcome, "client.token.usage")}
    assert {"input": (30,), "output": (7,)} == tokens


def _told(one: Measurement) -> tuple[dict[str, str], tuple[float, ...]]:
    return dict(one.attributes), one.values


def test_pieces_of_a_pack_have_their_own_times() -> None:
    """Offsets count, across packs, in the order of time and not of kinds."""
    packs = [
        event("text:chunk:content", 100, messageId="m1", chunks=[{"offsetMs": 0, "delta": "a"}, {"offsetMs": 40, "delta": "b"}]),
        event("text:chunk:thinking", 110, messageId="m1", chunks=[{"offsetMs": 0, "delta": "x"}, {"offsetMs": 60, "delta": "y"}]),
    ]
    outcome = assembled(started(streaming=True), *packs, completed(500))

    assert pytest.approx((0.01, 0.03, 0.03)) == only(outcome, "client.operation.time_per_output_chunk").values


def test_what_is_not_streamed_has_no_chunk_times() -> None:
    """Some senders tell whole answers as a chunk."""
    outcome = assembled(started(streaming=False), chunk(200, "a"), chunk(210, "b"), completed(500, duration=500))

    assert not measured(outcome, "client.operation.time_per_output_chunk")
    assert measured(outcome, "client.operation.duration")


def test_a_loop_counts_its_turns_tokens_once_and_no_tool_time_as_a_chunk() -> None:
    """The agent has a duration, the turns have durations and tokens; chunks of different messages are not neighbours."""
    turns = [
        one
        for n, at in ((1, 0), (2, 2000))
        for one in (
            event("text:iteration:started", at + 1, iteration=n, messageId=f"m{n}", provider="openai", model="gpt-4o"),
            chunk(at + 100, "a", messageId=f"m{n}"),
            chunk(at + 150, "b", messageId=f"m{n}"),
            event("text:chunk:done", at + 200, messageId=f"m{n}", finishReason="stop"),
            event("text:usage", at + 201, iteration=n, messageId=f"m{n}", usage=USAGE),
            event("text:iteration:completed", at + 1000, iteration=n, messageId=f"m{n}", duration=999),
        )
    ]
    outcome = assembled(started(streaming=True), *turns, completed(3000, duration=3000))

    operations = [dict(one.attributes)["gen_ai.operation.name"] for one in measured(outcome, "client.operation.duration")]
    assert ["invoke_agent", "chat", "chat"] == operations
    tokens = measured(outcome, "client.token.usage")
    assert {"chat"} == {dict(one.attributes)["gen_ai.operation.name"] for one in tokens}
    assert 2 * (30 + 7) == sum(sum(one.values) for one in tokens)
    assert pytest.approx((0.05, 0.05)) == only(outcome, "client.operation.time_per_output_chunk").values


def test_tools_that_ran_are_measured_by_name() -> None:
    """With how long they took; one that failed says why, and one that was only asked for is no run."""
    tools = [
        event("tools:call:completed", 400, toolCallId="t1", toolName="look_up", result="1", duration=250),
        event(
            "tools:call:completed",
            500,
            toolCallId="t2",
            toolName="look_up",
            duration=10,
            error={"name": "KeyError", "message": "x"},
        ),
        event("text:chunk:tool-call", 90, toolCallId="t3", toolName="later", messageId="m1", delta="{}"),
    ]
    outcome = assembled(started(), *tools, completed(1000))

    told = [_told(one) for one in measured(outcome, "execute_tool.duration")]
    name = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look_up"}
    assert [(name, (0.25,)), (name | {"error.type": "KeyError"}, (0.01,))] == sorted(told, key=lambda one: -one[1][0])


def test_errors_say_their_type_and_what_is_unknown_is_left_out() -> None:
    """No usage: no tokens. No start known: no duration."""
    failed = event("text:request:error", 700, duration=700, error={"name": "RateLimitError", "message": "slow down"})
    outcome = assembled(started(), failed)
    assert MODEL | {"error.type": "RateLimitError"} == dict(only(outcome, "client.operation.duration").attributes)
    assert not measured(outcome, "client.token.usage")

    assert not measured(assembled(completed(9)), "client.operation.duration")


def test_a_call_that_waits_longer_than_idle_counts_as_incomplete() -> None:
    """It is settled then; an end that still comes is told to spans only."""
    outcome = assembled(started(), chunk(100, "a"), now_ms=T0 + 4_000_000)

    assert "incomplete" == dict(only(outcome, "client.operation.duration").attributes)["error.type"]


def test_nothing_is_measured_before_a_call_is_settled() -> None:
    """A foreign call's end is known before it is certain."""
    assert not assembled(started(), completed(100), now_ms=T0 + 100 + SETTLE_MS - 1).measurements


def test_calls_of_unsampled_host_spans_count() -> None:
    """Sampling is about traces; metrics are about all calls."""
    outcome = assembled(
        started(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"), completed(100, duration=100)
    )

    assert not outcome.spans[0].is_sampled
    assert measured(outcome, "client.operation.duration")


@pytest.mark.parametrize(
    ("rate", "weight"), [(0.25, 4.0), (1.0, 1.0), (0, 1.0), (-1, 1.0), (2, 1.0), ("x", 1.0), (1e-9, 10_000.0)]
)
def test_a_sampled_call_stands_for_those_that_were_not_sent(rate: Any, weight: float) -> None:
    """With a sample rate of a quarter, for four; within reason."""
    assert weight == only(assembled(started(sampleRate=rate), completed(9, duration=9)), "client.operation.duration").weight


def test_a_sampled_error_stands_for_itself() -> None:
    """Errors are sent at any sample rate."""
    failed = event("text:request:error", 700, duration=700, error={"name": "E", "message": ""}, sampleRate=0.1)

    assert 1.0 == only(assembled(started(sampleRate=0.1), failed), "client.operation.duration").weight


def test_attributes_name_no_request_conversation_or_user() -> None:
    """Each would start a series of its own for ever."""
    outcome = assembled(
        started(streaming=True, threadId="thread-1", userId="user-1", sessionId="session-1", clientId="client-1", runId="run-1"),
        chunk(1, "a"),
        chunk(2, "b"),
        event("tools:call:completed", 50, toolCallId="tool-call-1", toolName="f", duration=1, result="secret"),
        completed(100, duration=100, usage=USAGE, responseId="resp-1"),
    )

    values = {value for one in outcome.measurements for _, value in one.attributes}
    assert {"chat", "execute_tool", "openai", "gpt-4o", "f", "input", "output"} == values
