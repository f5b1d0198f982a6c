"""
TanStack AI's bus messages as rows.
"""

import json

import pytest

from collector.dialects import DIALECTS
from collector.events import StoredEvent
from tests.fakes.posts import NOW_MS, TANSTACK_FILES, event, read, read_events, row_of, sent_event, tanstack_lines

PLUGIN = "tanstack-ai-devtools"


def message(type_name, payload=None, **beside):
    return {"type": f"{PLUGIN}:{type_name}", "payload": payload, "pluginId": PLUGIN, **beside}


def test_prefix_is_taken_off_and_the_payload_is_flat():
    """
    A canonical event, and the row says whose shape it came in.
    """
    row = row_of(message("image:usage", {"requestId": "r", "timestamp": NOW_MS, "usage": {"promptTokens": 1}}))
    assert ("image:usage", "r", "tanstack") == (row.type, row.request_id, row.dialect)
    assert {"type": "image:usage", "requestId": "r", "timestamp": NOW_MS, "usage": {"promptTokens": 1}} == json.loads(row.payload)


def test_event_without_a_payload_is_stored():
    """
    JSON drops an undefined payload.
    """
    row = row_of({"type": f"{PLUGIN}:devtools:opened", "pluginId": PLUGIN})
    assert ("devtools:opened", "tanstack") == (row.type, row.dialect)


@pytest.mark.parametrize("payload", [5, "text", [1, 2], False])
def test_payload_that_is_no_object_is_kept_under_its_name(payload):
    """
    Nothing is lost.
    """
    assert payload == json.loads(row_of(message("client:created", payload)).payload)["payload"]


def test_what_lies_beside_the_payload_fills_in_what_it_lacks():
    """
    Our own ways in add `eventId` and `sequence`, others a `context`; the payload's own words win.
    """
    row = row_of(
        message(
            "text:usage",
            {"requestId": "own"},
            eventId="e1",
            sequence=4,
            context={"requestId": "no", "clientId": "c", "timestamp": NOW_MS},
        )
    )
    assert ("own", "c", "e1", 4, NOW_MS, "sender") == (
        row.request_id,
        row.client_id,
        row.event_id,
        row.sequence,
        row.timestamp,
        row.clock,
    )


def test_type_inside_the_payload_does_not_hide_the_events():
    """
    It is kept beside it.
    """
    row = row_of(message("text:usage", {"type": "inner"}))
    assert ("text:usage", "inner") == (row.type, json.loads(row.payload)["payloadType"])


def test_client_events_count_in_their_id():
    """
    The last number; server events have no count.
    """
    client = {"source": "client", "eventId": "client:text:chunk:content:value-x:missing:1795304080318:cef69e69-d55a:6"}
    assert 6 == row_of(message("text:chunk:content", client)).sequence
    assert row_of(message("text:chunk:content", {**client, "source": "server"})).sequence is None
    assert 9 == row_of(message("text:chunk:content", {**client, "sequence": 9})).sequence


def test_long_client_ids_become_hashes_and_keep_their_count():
    """
    They reach 369 characters.
    """
    batch = read(b"\n".join(tanstack_lines("client-sse.jsonl")), media="ndjson").batch
    client = [row for row in batch.events if row.source == "client"]
    assert len(client) > 100
    assert all(len(row.event_id.encode()) <= 128 and row.sequence is not None for row in client)
    assert len(client) == len({(row.timestamp, row.event_id) for row in client})


@pytest.mark.parametrize(
    "name", ["stream:started", "stream:chunk:content", "chat:started", "usage:tokens", "client:message-appended"]
)
def test_names_from_before_2026_are_stored_as_unknown_types(name):
    """
    Old applications are not refused.
    """
    row = row_of(message(name, {"requestId": "r", "timestamp": NOW_MS}))
    assert (name, ["type: not in the catalogue"]) == (row.type, json.loads(row.schema_issues or "[]"))


@pytest.mark.parametrize(
    "bad", [{"type": f"{PLUGIN}:", "pluginId": PLUGIN, "payload": {}}, {"pluginId": PLUGIN, "payload": {"type": "x"}}]
)
def test_message_without_a_type_is_rejected(bad):
    """
    A payload's own type is not the message's.
    """
    assert ["missing_type"] == [r.code for r in read_events(bad).rejected]


@pytest.mark.parametrize("name", TANSTACK_FILES)
def test_recorded_messages_are_all_rows_with_stable_identities(name):
    """
    Nothing rejected, every event its own id, the same ids when shuffled and sent again.
    """
    lines = tanstack_lines(name)
    first = read(b"\n".join(lines), media="ndjson")
    again = read(b"[" + b",".join(reversed(lines)) + b"]")
    assert ((), len(lines)) == (first.rejected, len(first.batch.events))
    ids = [(row.timestamp, row.event_id) for row in first.batch.events]
    assert len(lines) == len(set(ids))
    assert set(ids) == {(row.timestamp, row.event_id) for row in again.batch.events}


@pytest.mark.parametrize("name", TANSTACK_FILES)
def test_recorded_payloads_lose_nothing_but_what_is_listed(name):
    """
    Every field of the message is in the row, unless `reduced` names it.
    """
    for line in tanstack_lines(name):
        row = read(line).batch.events[0]
        left_out = {path.split(".")[0].split("[")[0] for path in json.loads(row.reduced or "[]")}
        left_out |= {"systemPrompts", "options", "modelOptions", "toolNames"} if "context" in left_out else set()
        sent, stored = json.loads(line)["payload"], sent_event(row)
        assert sent.keys() - left_out <= stored.keys()
        assert all(stored[key] == sent[key] for key in sent.keys() - left_out)


def test_canonical_event_is_the_event_itself():
    """
    The catalogue is TanStack's.
    """
    stored = StoredEvent(
        type="t", event_id="e", timestamp_ms=1, received_ms=1, arrival=1, sequence=0, dialect="tanstack", payload={}
    )
    for name in ("tanstack", "hookline"):
        assert DIALECTS[name].is_canonical
        assert [stored] == list(DIALECTS[name].canonical([stored], "r"))


def test_own_event_with_a_plugin_id_of_its_own_is_no_envelope():
    """
    Without a payload there is nothing to unwrap.
    """
    row = row_of(event(pluginId="my-plugin"))
    assert ("hookline", "text:request:started") == (row.dialect, row.type)
