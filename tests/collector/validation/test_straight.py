"""
The straight way gives the very rows that the long way gives, or leaves the event to it.

Events are made from the catalogue itself, right ones and such with one odd thing in them.
"""

import json
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.events import EventRow
from collector.validation.codes import Refused
from collector.validation.decoding import NotJson
from collector.validation.limits import Limits
from collector.validation.long_way import Post, long_way_row
from collector.validation.media import may_hold_media
from collector.validation.reading import read_parcel
from collector.validation.straight import Straight
from sdk_hooks.events import EVENT_TYPES
from tests.fakes.foreign_stories import STORIES
from tests.fakes.posts import NOW_MS, TANSTACK_FILES, tanstack_lines

LONG_WAY_ONLY: Final = "hook:state-snapshot"
ODD: Final[list[Any]] = [
    None, "", "x" * 129, "é" * 100, "a\u0000b", "\ud800", "😀", "sk-" + "y" * 600, 0, -0.0, 3.0, 3.5, -1, 2**31, 2**63, 2**64,
    10**30, 1e300, True, False, [], {}, [None], ["a", 1], {"a": {"b": []}}, [[[[[]]]]], "data:image/png;base64,iVBORw0KGgo=",
    {"$blob": "sha256:x"}, "2025-11-24T16:00:00Z", 1_764_000_000, NOW_MS + 0.25, NOW_MS * 1000, NOW_MS - 10**10, "00-zz", "other",
    "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "00-" + "a" * 32 + "-" + "b" * 16 + "-01-more", {"offsetMs": 1, "delta": "x"},
    [{"offsetMs": 1, "delta": "x"}], [{"offsetMs": 1, "delta": "x", "more": 1}], [{"offsetMs": "1", "delta": "x"}],
    [{"role": "user", "content": "hello"}], {"promptTokens": 1, "more": {"deep": [1]}}, {"promptTokens": 1.5}, {"name": "n"},
]  # fmt: skip
EXTRA: Final = (
    "pluginId", "payload", "context", "durationMs", "duration", "unheardOf", "toolNames", "traceparent", "project", "content",
    "delta", "chunks", "source", "systemPrompts", "modelOptions", "hookId", "state", "data", "b64Json",
)  # fmt: skip
SENDER: Final = {"telemetry.sdk.name": "hookline-py", "service.name": "shop"}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values that fit a hint of the catalogue."""
    if is_typeddict(kind):
        hints = get_type_hints(kind)
        required = {name: values_of(hint) for name, hint in hints.items() if name in kind.__required_keys__}
        optional = {name: values_of(hint) for name, hint in hints.items() if name not in kind.__required_keys__}
        few = st.lists(st.sampled_from(sorted(optional)), max_size=4, unique=True) if optional else st.just([])
        return few.flatmap(lambda names: st.fixed_dictionaries(required | {name: optional[name] for name in names}))
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is list:
        return st.lists(values_of(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(st.text(max_size=5), values_of(arguments[1]), max_size=3)
    if arguments:
        return st.one_of(*map(values_of, arguments))
    return PLAIN[kind]


ANYTHING: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
PLAIN: Final[dict[Any, st.SearchStrategy[Any]]] = {
    str: st.text(min_size=1, max_size=12),
    int: st.integers(0, 2**31 - 1),
    float: st.integers(0, 2**31 - 1) | st.floats(0, 1e9),
    bool: st.booleans(),
    type(None): st.none(),
    Any: ANYTHING,
}
EVENTS: Final = st.sampled_from(sorted(EVENT_TYPES)).flatmap(
    lambda name: values_of(EVENT_TYPES[name]).map(
        lambda event: {**event, "type": name, "timestamp": NOW_MS + 0.5, "eventId": "host-1", "project": "default"}
    )
)


def both_ways(body: bytes, limits: Limits = Limits()) -> tuple[Any, Any, Post]:  # noqa: B008
    """What each way makes of the one event of a body: a row, the reason of a refusal, or None for "not mine"."""
    parcel = read_parcel(body, media="json", limits=limits)
    (piece,) = parcel.pieces
    post = Post(project="default", received_ms=NOW_MS, idempotency_key=None, limits=limits, resource=parcel.resource)
    straight = Straight(
        project="default",
        service=parcel.resource.service,
        resource_id=parcel.resource.resource_id,
        received_ms=NOW_MS,
        limits=limits,
        body=body,
    )
    return _tried(lambda: straight.row(piece)), _tried(lambda: long_way_row(post, 0, piece)), post


def _tried(way: Any) -> Any:
    try:
        return way()
    except Refused as exc:
        return exc.code, exc.detail
    except NotJson:
        return "not JSON"


def body_of(event: dict[str, Any], *, ascii_only: bool = False) -> bytes:
    text = json.dumps({"resource": SENDER, "events": [event]}, ensure_ascii=ascii_only)
    return text.encode("utf-8", "surrogatepass")


def agree(body: bytes, **limits: int) -> EventRow | None:
    """Both ways say the same, or the straight one leaves it; its row, if any."""
    straight, long, post = both_ways(body, Limits(**limits))
    if straight is not None:
        assert long == straight
        if isinstance(straight, EventRow):
            assert [type(value) for value in long] == [type(value) for value in straight]
        assert not any((post.blobs, post.states, post.marks, post.parts))
    return straight


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(event=EVENTS, odd=st.sampled_from(ODD), data=st.data(), ascii_only=st.booleans())
def test_an_odd_value_anywhere_is_judged_as_the_long_way_judges_it(
    event: dict[str, Any], odd: Any, data: st.DataObject, *, ascii_only: bool
):
    """
    One field of an event of the catalogue, or one beside it, is something else.
    """
    agree(body_of(event, ascii_only=ascii_only))
    name = data.draw(st.sampled_from(sorted({*event, *EXTRA})))
    agree(body_of({**event, name: odd}, ascii_only=ascii_only))


@pytest.mark.parametrize("type_name", sorted({*EVENT_TYPES} - {LONG_WAY_ONLY}))
def test_every_type_can_go_straight(type_name: str):
    """
    Else nothing would be compared above: an event with what its type requires and nothing odd is not left to the long way.
    """
    kind = EVENT_TYPES[type_name]
    hints = get_type_hints(kind)
    event = {name: _simple(hints[name]) for name in kind.__required_keys__}  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]
    event |= {"type": type_name, "timestamp": NOW_MS, "eventId": "host-1"}
    if "content" in event:
        event["content"] = ""

    # A picture or a sound may hold its bytes: somebody has to look.
    assert may_hold_media(body_of(event)) != isinstance(agree(body_of(event)), EventRow)


def _simple(kind: Any) -> Any:
    if is_typeddict(kind):
        hints = get_type_hints(kind)
        return {name: _simple(hints[name]) for name in kind.__required_keys__}
    origin = get_origin(kind)
    if origin is Literal:
        return get_args(kind)[0]
    if origin in (Union, UnionType):
        return _simple(get_args(kind)[0])
    simple: dict[Any, Any] = {str: "x", float: 2, int: 1, bool: True, list: [], dict: {}, Any: 1}
    return simple[origin or kind]


@pytest.mark.parametrize("raw", [
    b'{"type":"text:chunk:content","eventId":"a","timestamp":1764000000000,"streamId":"s","content":"","content":"again","delta":"x"}',
    b'{"type":"text:chunk:content","type":"text:request:started","eventId":"a","timestamp":1764000000000,"streamId":"s","content":""}',
    b'{"type":"text:chunk:content","eventId":"a","timestamp":1764000000000,"streamId":"s","content":"","x":"a\nb"}',
    b'{"type":"text:chunk:content","eventId":"a","timestamp":1764000000000,"streamId":"s","content":"","x":01}',
    b'{"type":"text:chunk:content","eventId":"a","timestamp":1764000000000,"streamId":"s","content":"","tags":{"a":1e999}}',
    b'{"type":"text:chunk:content","eventId":"a","timestamp":1764000000000,"streamId":"s","content":"","sequence":1e400}',
    b'{"type":"text:chunk:content","eventId":"a","timestamp":1764000000000,"streamId":"s","content":"\xff"}',
    b'{"type":"text:chunk:content","eventId":"a","timestamp":1764000000000,"streamId":"s","content":"","tags":{"\xff":1}}',
    b'{"type":"text:chunk:content","eventId":"a","timestamp":1764000000000,"streamId":"s","content":"","chunks":[{"offsetMs":1,"delta":"","z":"\x01"}]}',
    b'{"type":"text:chunk:content","eventId":"a","timestamp":1.764e12,"streamId":"s","content":"","sequence":1.0,"choice":1.0}',
    b'{"type":"text:chunk:content","eventId":"a","timestamp":-5,"streamId":"s","content":""}',
    b'{"type":"text:chunk:content","eventId":"a","timestamp":1764000000000,"streamId":"s","content":"","content":null}',
    b'{"type":"text:chunk:content","eventId":"\\u0061","timestamp":1764000000000,"stre\\u0061mId":"s","content":"","r\\ud800":1}',
])  # fmt: skip
def test_odd_bytes_are_judged_as_the_long_way_judges_them(raw: bytes):
    """
    Names twice, broken JSON inside a field that nobody reads, bytes that are no text, numbers beyond a double.
    """
    agree(b'{"events":[' + raw + b"]}")


@pytest.mark.parametrize("text", [text for text in ODD if isinstance(text, str)])
@pytest.mark.parametrize("name", ["content", "model", "runId", "tags"])
def test_odd_texts_are_judged_as_the_long_way_judges_them(name: str, text: str):
    """
    NUL, halves of pairs, whole pairs as escapes, data URLs, long and empty ones, in fields that take any text.
    """
    event = {"type": "text:chunk:content", "eventId": "a", "timestamp": NOW_MS, "streamId": "s", "content": ""}
    for ascii_only in (False, True):
        agree(body_of({**event, name: {"a": text} if name == "tags" else text}, ascii_only=ascii_only))


@pytest.mark.parametrize("depth", [62, 63, 64, 65, 400])
@pytest.mark.parametrize("name", ["tags", "options", "usage", "messages"])
def test_depth_is_limited_on_both_ways(name: str, depth: int):
    """
    Where anything may lie in a field, and inside the fixed part of one.
    """
    deep: Any = 1
    for _ in range(depth):
        deep = {"a": deep}
    value = {"usage": {"promptTokens": 1, "promptTokensDetails": deep}, "messages": [deep]}.get(name, deep)
    event = {"type": "text:request:started", "eventId": "a", "timestamp": NOW_MS, name: value}
    most = {"provider": "p", "model": "m", "requestId": "r", "streamId": "s", "messageCount": 1, "hasTools": False}
    agree(body_of({**event, **most, "streaming": True}))
    agree(body_of({**event, **most, "streaming": True, "type": "text:request:completed", "content": "c"}))


def test_limit_of_an_events_size_holds_on_both_ways():
    """
    Bytes count, not characters.
    """
    event = {"type": "text:chunk:content", "eventId": "a", "timestamp": NOW_MS, "streamId": "s", "content": "é" * 500}
    for limit in (100, 1_090, 1_100, 1_110, 1_120, 5_000):
        agree(body_of(event), event_bytes=limit)


@pytest.mark.parametrize("name", TANSTACK_FILES)
def test_recorded_tanstack_events_give_the_same_rows(name: str):
    """
    They go the long way; none is taken for one of ours.
    """
    assert [None] * len(tanstack_lines(name)) == [agree(line) for line in tanstack_lines(name)]


def test_foreign_events_give_the_same_rows():
    """
    Every story of every dialect.
    """
    sent = [event for posts in STORIES.values() for event in posts]
    assert [None] * len(sent) == [agree(json.dumps(event).encode()) for event in sent]
