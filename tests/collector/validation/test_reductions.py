"""
What is left out of rows, and that the row says so.
"""

import json

import pytest

from collector.events import LEFT_IN_COLUMNS
from tests.fakes.posts import NOW_MS, event, read, read_events, row_of, sent_event, tanstack_lines

CONTEXT = {"systemPrompts": ["s"], "options": {"a": 1}, "modelOptions": {"b": 2}, "toolNames": ["search"]}


def reduced(row):
    """Without what is only left to columns."""
    return set(json.loads(row.reduced or "[]")) - LEFT_IN_COLUMNS.keys()


@pytest.mark.parametrize("kind", ["content", "thinking"])
def test_cumulative_content_beside_a_delta_becomes_its_length(kind):
    """
    A number in its place: it orders the chunks of one millisecond.
    """
    row = row_of(event(type=f"text:chunk:{kind}", content="Hello wörld", delta="ld"))
    assert (11, "ld") == (json.loads(row.payload)["content"], json.loads(row.payload)["delta"])
    assert {"content"} == reduced(row)


def test_cumulative_content_beside_packed_chunks_becomes_its_length():
    """
    They are many deltas.
    """
    row = row_of(event(type="text:chunk:content", content="abc", chunks=[{"offsetMs": 0, "delta": "abc"}]))
    assert 3 == json.loads(row.payload)["content"]


def test_chunk_of_a_browser_without_a_delta_keeps_the_length_only():
    """
    The server's chunks and the snapshot hold the text.
    """
    row = row_of(event(type="text:chunk:content", content="abcdef", source="client"))
    assert 6 == json.loads(row.payload)["content"]
    assert {"content"} == reduced(row)


@pytest.mark.parametrize(
    "fields",
    [{"type": "text:chunk:content", "content": "all there is"}, {"type": "text:request:completed", "content": "x", "delta": "x"},
     {"type": "text:chunk:content", "content": "", "delta": "x"}, {"type": "text:chunk:content", "content": 5, "delta": "x"},
     {"type": "text:message:created", "content": "x", "source": "client"}],
)  # fmt: skip
def test_content_that_nothing_repeats_stays(fields):
    """
    Without a delta it is the only copy; other types are no chunks.
    """
    row = row_of(event(**fields))
    assert fields["content"] == json.loads(row.payload)["content"]
    assert row.reduced is None


@pytest.mark.parametrize("kind", ["content", "thinking", "tool-call", "tool-result", "done", "error"])
def test_context_is_cut_from_every_chunk(kind):
    """
    The call's other events carry it; the row says so by one word, whatever was there.
    """
    row = row_of(event(type=f"text:chunk:{kind}", provider="openai", **CONTEXT))
    payload = sent_event(row)
    assert not set(CONTEXT) & set(payload)
    assert {"context"} == reduced(row) == reduced(row_of(event(type=f"text:chunk:{kind}", toolNames=["search"])))
    assert ("openai", "openai", None) == (payload["provider"], row.provider, row.tool_names)


def test_chunk_that_loses_anything_leaves_to_columns_what_they_hold():
    """
    To the letter only: a 1.0 is no 1, and all fields of a name go or none.
    """
    fields = {"type": "text:chunk:content", "content": "abc", "delta": "c", "provider": "openai", "sequence": 4}
    assert {"content": 3, "delta": "c"} == json.loads(row_of(event(**fields)).payload)
    odd = row_of(event(**fields, messageCount=1.0))
    assert (["content", "id"], 1) == (json.loads(str(odd.reduced)), odd.message_count)
    assert {"type", "provider", "messageCount"} <= json.loads(odd.payload).keys()


def test_chunk_that_loses_nothing_is_stored_as_it_came():
    """
    Our own clients' packs are not written anew.
    """
    sent = json.dumps(event(type="text:chunk:content", delta="c", sequence=4))
    assert (sent, None) == (row_of(json.loads(sent)).payload, row_of(json.loads(sent)).reduced)


@pytest.mark.parametrize("type_name", ["text:request:started", "text:usage", "tools:call:completed", "image:request:started"])
def test_context_stays_elsewhere(type_name):
    """
    Somewhere it must be.
    """
    row = row_of(event(type=type_name, **CONTEXT))
    assert CONTEXT.items() <= json.loads(row.payload).items()
    assert row.reduced is None


def snapshot(name, hook="h1", at=NOW_MS, **fields):
    return event(type="hook:state-snapshot", eventId=name, hookId=hook, hookName="useChat", timestamp=at, **fields)


def test_snapshot_loses_its_state_to_the_hooks_newest():
    """
    Newest by (timestamp, sequence), whatever the order in the batch.
    """
    batch = read_events(
        snapshot("a", sequence=2, state={"n": 2}),
        snapshot("b", sequence=3, state={"n": 3}),
        snapshot("c", sequence=9, at=NOW_MS - 1, state={"n": 9}),
        snapshot("d", hook="h2", state={"n": "other"}),
    ).batch
    assert all("state" not in json.loads(row.payload) and {"state"} == reduced(row) for row in batch.events)
    assert {"h1": (NOW_MS, 3, '{"n":3}'), "h2": (NOW_MS, 0, '{"n":"other"}')} == {
        state.hook_id: (state.timestamp, state.sequence, state.state) for state in batch.hook_states
    }


def test_snapshot_of_no_hook_keeps_its_state():
    """
    There is nowhere else to put it.
    """
    batch = read_events(event(type="hook:state-snapshot", state={"n": 1})).batch
    assert ({"n": 1}, ()) == (json.loads(batch.events[0].payload)["state"], batch.hook_states)


def test_recorded_stream_shrinks():
    """
    A real browser session of short answers loses a fourth of its bytes.
    """
    lines = tanstack_lines("client-sse.jsonl")
    batch = read(b"\n".join(lines), media="ndjson").batch
    assert sum(len(row.payload) for row in batch.events) < sum(map(len, lines)) * 0.75
    assert 3 == len(batch.hook_states)


def test_volume_of_a_long_stream_grows_with_its_length():
    """
    1,000 five-character chunks came as 3 MB; stored they are less than a tenth.
    """
    text, sent = "", []
    for n in range(1000):
        text += "abcde"
        sent.append(event(type="text:chunk:content", eventId=str(n), content=text, delta="abcde", **CONTEXT))
    stored = sum(len(row.payload) for row in read_events(*sent).batch.events)
    assert stored < len(json.dumps(sent)) / 10
