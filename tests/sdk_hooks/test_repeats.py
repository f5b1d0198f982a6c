"""
What goes over the wire once: only what a collector acknowledged, only in the place of messages, and never at the price of one.
"""

import hashlib
import json
import threading
from pathlib import Path
from time import monotonic
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sdk_hooks.config import Config
from sdk_hooks.encoding import encode_event
from sdk_hooks.repeats import LEAST_BYTES, MOST_KNOWN, LongEvent, Repeats, encode_long
from sdk_hooks.runtime import Runtime, use
from sdk_hooks.transport import Answer, Delivered, RetryLater, read_receipt
from tests.fakes.collected import Collected, recording
from tests.sdk_hooks.calls import chat

LONG = {"role": "user", "content": "words " * 300}
_texts = st.text(max_size=20) | st.text(max_size=3).map(lambda text: text * 600)
_messages = st.lists(
    st.fixed_dictionaries({"content": _texts}, optional={"role": st.sampled_from(["user", "tool", 'o"dd', 3, None])}) | _texts
)


def encoded(**fields: Any) -> bytes:
    event = {"type": "text:request:started", **fields}
    return encode_long(event, encode_event)


def learned(*events: bytes, store: str = "s1") -> Repeats:
    """A collector that has all these."""
    repeats = Repeats()
    repeats.learn(store, repeats.shorten(events), is_whole=True)
    return repeats


def filled(event: Any, contents: dict[str, Any]) -> Any:
    """The event as the collector reads it."""
    messages = [contents[m["ref"]] if isinstance(m, dict) and "ref" in m else m for m in event["messages"]]
    return {**event, "messages": messages}


@given(_messages, st.booleans())
def test_only_messages_are_shortened_and_nothing_is_lost(messages: list[Any], is_first: bool) -> None:
    """
    Whatever the messages are, and whatever else the event repeats them in: with the contents put back it is the same event.
    """
    copies = {"modelOptions": {"messages": messages}, "input": messages}
    fields = {**copies, "messages": messages} if is_first else {"messages": messages, **copies}
    event = encoded(**fields)
    (short,) = learned(event).shorten([event]).events
    contents = {f"sha256:{hashlib.sha256(encode_event(m)).hexdigest()}": m for m in messages}
    assert encode_event({"type": "text:request:started", **fields}) == event
    assert json.loads(event) == filled(json.loads(short), contents)
    assert isinstance(event, LongEvent) == (len(short) < len(event))


def test_small_messages_and_other_events_are_left_alone() -> None:
    """
    Under 1 KiB, of another type, or with media that the collector keeps in another form.
    """
    assert type(encoded(messages=[{"role": "user", "content": "x" * (LEAST_BYTES - 40)}] * 3)) is bytes
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 2000}}
    assert type(encoded(messages=[{"role": "user", "content": [image]}])) is bytes
    event = {"type": "text:request:completed", "messages": [LONG]}
    assert type(encode_long(event, encode_event)) is bytes


def test_another_store_knows_nothing() -> None:
    """
    What one store has is forgotten as soon as another one, or one without a name, answers.
    """
    event = encoded(messages=[LONG])
    for name in ("s2", None):
        repeats = learned(event)
        assert repeats.shorten([event]).referred
        repeats.learn(name, repeats.shorten([]), is_whole=True)
        assert not repeats.shorten([event]).referred
        assert (name or "") == repeats.shorten([event]).store


def test_a_content_that_is_lacking_twice_is_not_tried_again() -> None:
    """
    The collector's rules changed it, so it can never be referred to: it goes whole from then on.
    """
    event = encoded(messages=[LONG])
    repeats = learned(event)
    for _ in range(2):
        parcel = repeats.shorten([event])
        assert parcel.referred
        repeats.forget(parcel.referred[0])
        repeats.learn("s1", repeats.shorten([event]), is_whole=True)
    assert not repeats.shorten([event]).referred


def test_what_is_remembered_is_bounded() -> None:
    """
    The oldest is forgotten first.
    """
    event = encoded(messages=[LONG])
    repeats = learned(event)
    events: list[bytes] = []
    for n in range(0, MOST_KNOWN, 500):
        events = [encoded(messages=[{"role": "user", "content": f"{n + i} " * 400}]) for i in range(500)]
        repeats.learn("s1", repeats.shorten(events), is_whole=True)
    assert not repeats.shorten([event]).referred
    assert repeats.shorten(events).referred


def call(collected: Collected) -> None:
    chat(messages=[LONG]).complete({"content": "done"})
    collected.flush()


def messages_of(collected: Collected) -> list[list[str]]:
    """Of each started event that was posted: which messages went as references."""
    started = [event for event in collected.events if event["type"] == "text:request:started"]
    return [["ref" if "ref" in message else "whole" for message in event["messages"]] for event in started]


def test_an_old_collector_gets_no_reference() -> None:
    """
    Its receipts name no store.
    """
    with recording() as collected:
        for _ in range(3):
            call(collected)
    assert [["whole"]] * 3 == messages_of(collected)


def test_what_is_lacking_goes_again_and_is_no_loss() -> None:
    """
    The one event of the batch, whole, once; the others are not sent again.
    """
    with recording() as collected:
        collected.answers += [Delivered({}, store="s1"), Delivered({"unknown_ref": 1}, (0,), "s1"), Delivered({}, store="s1")]
        call(collected)
        call(collected)
        assert [["whole"], ["ref"], ["whole"]] == messages_of(collected)
        assert [2, 2, 1] == collected.batches
        assert collected.runtime is not None
        assert not any(collected.runtime.losses.snapshot().values())


def test_other_rejections_beside_it_are_counted_once() -> None:
    """
    An event that is rejected for another reason is lost, and only that one.
    """
    with recording() as collected:
        rejected = {"unknown_ref": 1, "bad_timestamp": 1}
        collected.answers += [Delivered({}, store="s1"), Delivered(rejected, (0,), "s1"), Delivered({}, store="s1")]
        call(collected)
        call(collected)
        assert collected.runtime is not None
        lost = {name: n for name, n in collected.runtime.losses.snapshot().items() if n}
    assert {"rejected": 1, "rejected_bad_timestamp": 1} == lost


def test_nothing_is_learned_of_what_was_not_acknowledged() -> None:
    """
    A POST without an answer, or with a rejection in it, proves nothing.
    """
    with recording() as collected:
        collected.answers += [Delivered({"too_large": 1}, store="s1"), RetryLater(None, "503")]
        call(collected)
        call(collected)
        collected.flush()
    assert {"whole"} == {kind for kinds in messages_of(collected) for kind in kinds}


class Slow(Collected):
    """Answers the second POST when it is told to: that it lacks what the first event refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = threading.Event()

    def post(self, body: bytes, *, is_gzip: bool, timeout_s: float) -> Answer:
        answer = super().post(body, is_gzip=is_gzip, timeout_s=timeout_s)
        if len(self.batches) == 2:
            self.may_answer.wait(60)
            return Delivered({"unknown_ref": 1}, (0,), "s1")
        return answer


def test_an_answer_about_what_is_on_disk_by_then(tmp_path: Path) -> None:
    """
    While a POST with references is on its way its events go to the spool, whole; the answer that something is lacking leaves them
    there, and they are sent from it.
    """
    collected = Slow()
    collected.answers.append(Delivered({}, store="s1"))
    runtime = Runtime(Config({"HOOKLINE_SPOOL_DIR": str(tmp_path)}), connect=collected)
    before = use(runtime)
    try:
        chat(messages=[LONG]).complete({"content": "done"})
        assert runtime.emitter.flush(60)
        chat(messages=[LONG]).complete({"content": "done"})
        until_s = monotonic() + 60
        while not list(tmp_path.glob("*")) and monotonic() < until_s:
            runtime.emitter.flush(0.05)
        assert [["whole"], ["ref"]] == messages_of(collected)
        collected.may_answer.set()
        assert runtime.emitter.flush(60)
        assert [["whole"], ["ref"], ["whole"]] == messages_of(collected)
        assert not any(runtime.losses.snapshot().values())
    finally:
        use(before)
        runtime.emitter.close(5)


def test_a_receipt_may_say_anything() -> None:
    """
    A name that is none is no name; what is not a receipt rejects nothing.
    """
    assert Delivered({"unknown_ref": 2}, (0, 7), "a1") == read_receipt(
        b'{"rejected":[{"index":0,"code":"unknown_ref"},{"index":7,"code":"unknown_ref"}],"store":"a1"}'
    )
    for odd in (b'"\\" or so"', b"7", b"null", b'""', b'"' + b"a" * 65 + b'"'):
        assert Delivered({}) == read_receipt(b'{"rejected":[],"store":' + odd + b"}")
    for odd in (b"", b"[]", b"3", b'{"rejected":[{"index":"x","code":"unknown_ref"}]}', b'{"rejected":3}'):
        assert Delivered({}) == read_receipt(odd)
