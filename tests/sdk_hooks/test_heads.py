"""What a call's events say alike is written once, as text; what arrives is what each of them encoded whole would give."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk_hooks import session
from sdk_hooks.config import CallSettings
from sdk_hooks.cutting import MESSAGE_MAX_BYTES
from sdk_hooks.encoding import encode_event
from sdk_hooks.fields import MOST_MODELS, call_members
from sdk_hooks.heads import NAMES, Headed, encode_headed
from sdk_hooks.recorder import Shape, as_it_is, start_call
from sdk_hooks.repeats import LEAST_BYTES, LongEvent
from tests.fakes.collected import recording
from tests.sdk_hooks.calls import chat

HEAD = '{"type":"text:request:started","timestamp":1.5,"requestId":"r"'
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=6) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
NAME = st.sampled_from(("messages", "content", "usage", "é")) | st.text(max_size=4).filter(lambda name: name not in NAMES)


@given(st.dictionaries(NAME, ANYTHING, max_size=4), st.booleans())
def test_joined_text_is_what_the_whole_event_gives(own: dict[str, Any], is_long: bool):
    """For whatever an SDK may answer: NaN, halves of characters, bytes."""
    joined = encode_headed(HEAD, own, is_long=is_long)

    assert json.loads(encode_event(Headed(HEAD, own).whole())) == json.loads(joined)


def test_long_messages_are_found_behind_a_head():
    """Their places are those in the whole text, in front of other fields and behind them."""
    message = {"role": "user", "content": "é" * LEAST_BYTES}
    for own in ({"messages": [message, message]}, {"api": "responses", "messages": [message, message], "hasTools": False}):
        encoded = encode_headed(HEAD, own, is_long=True)

        assert isinstance(encoded, LongEvent)
        assert [message, message] == [json.loads(encoded[place.start : place.end]) for place in encoded.places]


def test_long_event_is_cut_and_keeps_its_number():
    """What is cut is made anew, with its head and behind it."""
    with recording() as events:
        chat(messages=[{"role": "user", "content": "x" * 2 * MESSAGE_MAX_BYTES}]).complete()
        events.flush()

    started, completed = events.events
    assert [1, 2] == [started["sequence"], completed["sequence"]]
    assert started["eventId"].endswith("-1")
    assert (started["requestId"], "gpt-5") == (completed["requestId"], started["model"])
    assert MESSAGE_MAX_BYTES > len(started["messages"][0]["content"])
    assert ["messages[0].content"] == [*started["truncated"]]


def test_more_models_than_are_remembered():
    """Each event names its own."""
    said_by = CallSettings(project="p")
    told = {name: call_members(said_by, None, "openai", name, None) for name in map(str, range(MOST_MODELS + 2))}
    told |= {name: call_members(said_by, None, "openai", name, None) for name in told}

    assert [f',"provider":"openai","model":"{name}","source":"server","project":"p"' for name in told] == [*told.values()]


class Odd:
    """A model's name as nobody expects it."""


@pytest.mark.parametrize("model", ["gpt-5", 'a "model"', "\ud800", None, Odd(), ["gpt-5"], float("nan")])
@pytest.mark.parametrize("said_again", [{}, {"model": "gpt-5-mini", "threadId": "t", "sequence": 7, "streamId": 1}])
def test_host_that_looks_at_events_sees_what_others_send(model: Any, said_again: dict[str, Any]):
    """With a `redact` each event is made whole; without one it is the same, also where its own fields name one of the head's."""
    told: list[list[dict[str, Any]]] = []
    shape = Shape("text", lambda request: {"messages": [request], "api": "chat", **said_again}, as_it_is)
    ways: list[dict[str, Any]] = [{}, {"redact": lambda event: event}]  # pyright: ignore[reportUnknownLambdaType]
    for settings in ways:
        with recording(**settings) as events, session(user_id="Zoë", thread_id="t-1", tags={"a": 1}):
            call = start_call(shape, "Hi", "openai", model)
            assert call is not None
            call.complete({"content": "Hello", "finishReason": "stop", **said_again}, at_ns=call.start_ns + 5_000_000)
            events.flush()
        told.append([{name: event[name] for name in event if name not in ("timestamp", "eventId")} for event in events.events])

    plain, redacted = told
    ids = [event.pop("requestId") for event in (*plain, *redacted)]
    assert 2 == len({*ids})
    for event in (*plain, *redacted):
        if event["streamId"] in ids:
            event["streamId"] = "requestId"
    assert redacted == plain
