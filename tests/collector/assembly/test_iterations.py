"""
Agent loops inside one call: TanStack's server runs the model again after each tool.
"""

from typing import Any

from collector.assembly.ids import span_id
from collector.events import StoredEvent
from collector.spans import Assembled, Span
from tests.collector.assembly.stored import T0, assembled, attributes, completed, event, started


def turn(number: int, at_ms: float, message_id: str, **usage: Any) -> list[StoredEvent]:
    """An iteration of 100 ms, whose stream stops after 60; the rest are tools."""
    told = [event("text:usage", at_ms + 61, messageId=message_id, usage=usage)] if usage else []
    return [
        event("text:iteration:started", at_ms, iteration=number, messageId=message_id, model="gpt-4o", provider="openai"),
        event("text:chunk:done", at_ms + 60, messageId=message_id, finishReason="tool_calls"),
        *told,
        event("text:iteration:completed", at_ms + 100, iteration=number, messageId=message_id, duration=100),
    ]


def turns_of(outcome: Assembled) -> list[Span]:
    return [span for span in outcome.spans if span.kind == "model_call"]


def test_several_iterations_make_an_agent_with_model_calls() -> None:
    """The call is invoke_agent, INTERNAL; each turn a chat, CLIENT, its child in its trace."""
    outcome = assembled(started(), *turn(0, 0, "m1"), *turn(1, 100, "m2"), completed(250, duration=250))
    top, *turns = outcome.spans

    assert ("invoke_agent", "invoke_agent", False) == (outcome.call.operation, top.name, top.is_client)
    assert [("model_call", "chat gpt-4o", True)] * 2 == [(span.kind, span.name, span.is_client) for span in turns]
    assert [(top.span_id, top.trace_id)] * 2 == [(span.parent_span_id, span.trace_id) for span in turns]
    assert [span_id("default", "req-1", "model_call", n) for n in "01"] == [span.span_id for span in turns]


def test_a_turn_ends_with_its_stream_not_with_its_tools() -> None:
    """The iteration's own duration includes its tools."""
    outcome = assembled(started(), *turn(0, 0, "m1"), *turn(1, 100, "m2"), completed(250, duration=250))

    expected = [(T0, T0 + 60), (T0 + 100, T0 + 160)]
    assert expected == [(span.start_ns // 10**6, span.end_ns // 10**6) for span in turns_of(outcome)]


def test_a_turn_without_a_stop_ends_with_its_completed_event() -> None:
    """Of a stream without chunk:done; and one without a started event starts its duration earlier."""
    first = [stored for stored in turn(0, 0, "m1") if "done" not in stored.type]
    second = [stored for stored in turn(1, 100, "m2") if "done" not in stored.type and "started" not in stored.type]
    outcome = assembled(started(), *first, *second, completed(250, duration=250))

    assert [(T0, T0 + 100), (T0 + 100, T0 + 200)] == [
        (span.start_ns // 10**6, span.end_ns // 10**6) for span in turns_of(outcome)
    ]


def test_usage_is_on_the_turns_and_not_again_on_the_call() -> None:
    """A backend adds up what it finds on spans; SQL's row has the total."""
    outcome = assembled(
        started(),
        *turn(0, 0, "m1", promptTokens=50, completionTokens=5),
        *turn(1, 100, "m2", promptTokens=70, completionTokens=6),
        completed(250, duration=250),
    )

    assert [50, 70] == [span.attributes["gen_ai.usage.input_tokens"] for span in turns_of(outcome)]
    assert not [key for key in attributes(outcome) if key.startswith("gen_ai.usage.")]
    assert (120, 11) == (outcome.call.usage.input_tokens, outcome.call.usage.output_tokens)


def test_one_iteration_is_a_plain_chat_with_its_usage() -> None:
    """No span more than calls."""
    outcome = assembled(started(), *turn(0, 0, "m1", promptTokens=50), completed(150, duration=150))

    assert ["call"] == [span.kind for span in outcome.spans]
    assert ("chat", "chat gpt-4o", 50) == (
        outcome.call.operation,
        outcome.spans[0].name,
        attributes(outcome)["gen_ai.usage.input_tokens"],
    )


def test_usage_by_iteration_number_or_of_the_completed_event() -> None:
    """Where no usage event names the message."""
    by_number = event("text:usage", 50, iteration=0, usage={"promptTokens": 5})
    second = [stored for stored in turn(1, 100, "m2") if not stored.type.endswith("iteration:completed")]
    told = event("text:iteration:completed", 200, iteration=1, messageId="m2", duration=100, usage={"promptTokens": 6})
    outcome = assembled(started(), *turn(0, 0, "m1"), by_number, *second, told, completed(250, duration=250))

    assert [5, 6] == [span.attributes["gen_ai.usage.input_tokens"] for span in turns_of(outcome)]


def test_the_turn_in_which_the_stream_broke_is_the_failed_one() -> None:
    """The one before went well."""
    broke = event("text:chunk:error", 130, messageId="m2", error="503 away")
    begun = event("text:iteration:started", 100, iteration=1, messageId="m2")
    outcome = assembled(started(), *turn(0, 0, "m1"), begun, broke)

    assert [("ok", None), ("error", "503")] == [(span.status, span.error_type) for span in turns_of(outcome)]
    assert "error" == outcome.call.status


def test_a_turn_without_an_end_shares_the_fate_of_the_call() -> None:
    """Aborted with it, and over with it."""
    begun = event("text:iteration:started", 100, iteration=1, messageId="m2")
    outcome = assembled(started(), *turn(0, 0, "m1"), begun, event("text:request:aborted", 170, duration=170))
    last = turns_of(outcome)[-1]

    assert ("aborted", (T0 + 170) * 10**6) == (last.status, last.end_ns)
