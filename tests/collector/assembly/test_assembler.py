"""
Assembly as a whole: same events, same outcome; and nothing that a sender writes breaks it.
"""

import random
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.assembly.assembler import assemble
from collector.assembly.rules import RULES, STORED_ONLY
from collector.events import StoredEvent
from tests.collector.assembly.stored import IDLE_MS, T0, assembled, call_of, chunk, completed, event, no_price, started

pieces = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=30)


def stream(texts: list[str], *, per_ms: int) -> list[StoredEvent]:
    """A streamed chat as TanStack's server sends it: no ids, several chunks a millisecond, cumulative lengths."""
    so_far, events = "", [started(threadId="t", runId="run-1")]
    for n, text in enumerate(texts):
        so_far += text
        events.append(chunk(10 + n // per_ms, text, content=len(so_far)))
    at_ms = 10 + len(texts)
    told = {"promptTokens": 5, "completionTokens": len(texts)}
    events.append(event("text:chunk:done", at_ms, messageId="m1", finishReason="stop"))
    events.append(event("text:usage", at_ms, messageId="m1", usage=told))
    events.append(event("tools:call:completed", at_ms, toolCallId="t1", toolName="x", duration=2, result={"a": 1}))
    events.append(completed(at_ms, duration=at_ms, finishReason="stop", content=so_far))
    return events


def rearranged(events: list[StoredEvent], rng: random.Random) -> list[StoredEvent]:
    """Each event once or more, in any order, and stored in that order."""
    copies = events + rng.choices(events, k=len(events) // 2)
    rng.shuffle(copies)
    return [replace(stored, arrival=arrival) for arrival, stored in enumerate(copies)]


@given(pieces, st.integers(1, 5), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_order_and_repeats_change_nothing(texts: list[str], per_ms: int, rng: Any) -> None:
    """Call, spans, tools, usage and health are equal, and the text is what was streamed."""
    events = stream(texts, per_ms=per_ms)
    expected = assembled(*events)

    assert expected == assembled(*rearranged(events, rng))
    assert "".join(texts)[:500] == expected.call.answer_preview


@given(pieces, st.data())
@settings(max_examples=60, deadline=None)
def test_packs_and_single_chunks_say_the_same(texts: list[str], data: st.DataObject) -> None:
    """However the emitter cuts a stream into events, the call is the same."""
    at_ms = [10.0 + n for n in range(len(texts))]
    single = [started(), *(chunk(at, text) for at, text in zip(at_ms, texts, strict=True)), completed(100)]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(texts)))) | {0, len(texts)})
    packs = [
        event(
            "text:chunk:content",
            at_ms[low],
            messageId="m1",
            chunks=[{"offsetMs": at_ms[n] - at_ms[low], "delta": texts[n]} for n in range(low, high)],
        )
        for low, high in pairwise(cuts)
    ]

    assert assembled(*single) == assembled(started(), *packs, completed(100))


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=4,
)
FIELDS = (
    "requestId", "messageId", "toolCallId", "toolName", "toolCalls", "content", "delta", "chunks", "arguments", "result", "error",
    "duration", "usage", "iteration", "choice", "messages", "images", "finishReason", "finishReasons", "traceparent", "model",
    "provider", "modelOptions", "options", "tags", "truncated", "parentRequestId", "parentToolCallId", "runId", "eventId", "role",
    "systemPrompts", "messageIndex", "timeToFirstChunk", "input", "prompt", "text", "output", "status", "index", "choiceContents",
)  # fmt: skip


def odd_event(event_type: str, at_ms: int, payload: Mapping[str, Any], arrival: int) -> StoredEvent:
    return StoredEvent(
        type=event_type,
        event_id=f"e{arrival}",
        timestamp_ms=T0 + at_ms,
        received_ms=T0,
        arrival=arrival,
        sequence=0,
        dialect="hookline",
        payload=payload,
    )


odd_events = st.builds(
    odd_event,
    st.sampled_from(sorted(set(RULES) | STORED_ONLY)) | st.text(max_size=9),
    st.integers(0, 50),
    st.dictionaries(st.sampled_from(FIELDS), odd, max_size=6),
    st.integers(0, 10_000),
)


@given(st.lists(odd_events, min_size=1, max_size=8), st.sampled_from([0, IDLE_MS]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_field_of_any_type_breaks_assembly(events: list[StoredEvent], later_ms: int, is_own_hook: bool) -> None:
    """A payload is kept as sent; whatever it holds, there is a call, and every span is one that can be sent."""
    call = call_of(*events, now_ms=T0 + 100 + later_ms, is_own_hook=is_own_hook)
    outcome = assemble(call, price=no_price, capture_content=True)

    assert outcome.settled == (outcome.look_again_ms is None)
    for span in outcome.spans:
        assert 0 <= span.start_ns <= span.end_ns
        assert span.parent_span_id != span.span_id
        assert None not in span.attributes.values()
    assert len({span.span_id for span in outcome.spans}) == len(outcome.spans)


def test_steps_that_share_an_event_id_have_spans_of_their_own() -> None:
    """An event is its id and its time; the first step keeps the span that it had alone."""
    first, again = (odd_event("agent:handoff", at_ms, {"to": "clerk"}, 0) for at_ms in (0, 1))
    alone, both = (
        assemble(call_of(*events, now_ms=T0 + 100 + IDLE_MS), price=no_price, capture_content=True)
        for events in ([first], [first, again])
    )

    assert 3 == len({span.span_id for span in both.spans}) == len(both.spans)
    assert {span.span_id for span in alone.spans} < {span.span_id for span in both.spans}


def test_a_call_names_its_people_and_tags() -> None:
    """The first of each field counts, the started event's before all others."""
    early = event("text:message:user", -5, clientId="other", sessionId="s1", messageId="m0")
    call = assembled(
        early, started(clientId="web", threadId="t", runId="r", userId="u", tags={"tier": "gold"}, parentRequestId="req-0")
    ).call

    assert ("web", "t", "r", "s1", "u") == (call.client_id, call.thread_id, call.run_id, call.session_id, call.user_id)
    assert ({"tier": "gold"}, "checkout", "req-0") == (call.tags, call.service, call.parent_request_id)


def test_images_are_counted() -> None:
    """Inline, by address, or moved to blobs: one each."""
    images = [{"url": "x"}, {"b64Json": {"$blob": "sha256:ab"}}]

    assert 2 == assembled(started(0, "image"), completed(9, "image", images=images)).call.image_count


def test_foreign_events_are_read_through_their_dialect() -> None:
    """TanStack's are the catalogue's own; a dialect without canonical events adds nothing."""
    theirs = replace(completed(100, duration=100), dialect="tanstack")
    unread = replace(event("text:request:aborted", 50), dialect="openai")

    assert ("ok", T0 + 100) == (assembled(started(), theirs, unread).call.status, assembled(started(), theirs).call.end_ms)
