"""
A long stream of TanStack AI takes little room, and nothing of it is lost to readers: payloads leave out what columns hold.
"""

import json
import random
import sqlite3
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, select

from collector.storage import schema
from collector.storage.engines import open_store
from collector.storage.protocols import EventFilter, Store
from collector.storage.sql_types import SqlQuery
from collector.storage.sqlite_files import path_of
from collector.storage.tables import events
from tests.collector.storage.conftest import SETTLE_MS
from tests.fakes import stored
from tests.fakes.posts import NOW_MS, read

CHUNKS = 1_000
MOST_BYTES = {"sqlite": 575_000, "postgresql": 600_000}
"""Measured 524,000 and 541,000 to 557,000, whatever the order; at first, 1,030,000 and 1,120,000."""
CALL = "chat-1795303816133-fwnfvyj"
MESSAGE = "msg-1795303816153-ylin9as"
CONTEXT = {
    "requestId": CALL, "streamId": "stream-1795303816133-wi4roja", "runId": CALL,
    "threadId": "thread-1795303816133-j7u1apx", "provider": "openai", "model": "gpt-4o",
    "clientId": "thread-1795303816133-j7u1apx", "source": "server", "toolNames": ["get_weather"], "messageCount": 1,
    "hasTools": True, "streaming": True,
}  # fmt: skip
"""As recorded."""
WORDS = ("The", " weather", " in", ' Par"is\\', " is", " 18 °C", "\n", " 😀")
REDUCED = {"toolNames", "systemPrompts", "content"}


def message(type_name: str, n: int, **fields: Any) -> dict[str, Any]:
    """What the bridge makes of a message on the bus."""
    payload = {**CONTEXT, **fields, "timestamp": NOW_MS + n}
    context = {"eventId": f"01a200723bc5783b08c09cf1-{n}", "sequence": n}
    return {
        "type": f"tanstack-ai-devtools:{type_name}",
        "payload": payload,
        "pluginId": "tanstack-ai-devtools",
        "context": context,
    }


def chat(chunks: int) -> tuple[list[dict[str, Any]], str]:
    """A streamed chat's chunks with their cumulative content, and the whole text."""
    text, sent = "", list[dict[str, Any]]()
    for n in range(1, chunks + 1):
        delta = WORDS[n % len(WORDS)]
        text += delta
        sent.append(message("text:chunk:content", n, messageId=MESSAGE, content=text, delta=delta))
    return sent, text


def rest(text: str, n: int) -> list[dict[str, Any]]:
    """What comes around the chunks."""
    ends = {"duration": float(n), "finishReason": "stop"}
    return [
        message("text:request:started", 0, messages=[{"role": "user", "content": "And the weather?"}]),
        message("text:request:completed", n, content=text, **ends),
    ]


def store_all(store: Store, messages: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(messages), 20):
        batch = read(json.dumps(messages[start : start + 20])).batch
        assert len(batch.events) == store.append(batch).result(30).accepted


def used_bytes(url: str) -> int:
    """All tables of events with their indexes."""
    if url.startswith("postgresql"):
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            found: Any = connection.execute(
                "SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relkind IN ('r', 'i') AND relname LIKE 'events%'"
            ).fetchone()
            return int(found[0])
    with sqlite3.connect(path_of(url)) as connection:
        names = "SELECT name FROM sqlite_schema WHERE tbl_name = 'events'"
        return int(connection.execute(f"SELECT sum(pgsize) FROM dbstat WHERE name IN ({names})").fetchone()[0])


@pytest.mark.parametrize("is_shuffled", [False, True])
def test_thousand_chunks_take_less_than_they_did_and_the_text_is_whole(store_url: str, is_shuffled: bool) -> None:
    """
    In the order of the stream and in any other: rows with their indexes stay under the limit, and the view `chunks`, put in
    order as its readers do, has the text to the letter.
    """
    messages, text = chat(CHUNKS)
    if is_shuffled:
        random.Random(7).shuffle(messages)
    store = open_store(store_url, settle_ms=SETTLE_MS)
    try:
        store_all(store, rest(text, CHUNKS + 1))
        before = used_bytes(store_url)
        store_all(store, messages)
        pieces = f"SELECT delta FROM chunks WHERE request_id = '{CALL}' ORDER BY n"
        rows = store.run_sql(SqlQuery(project="default", sql=pieces, max_rows=2 * CHUNKS)).rows
    finally:
        store.close()
    taken = used_bytes(store_url) - before
    assert text == "".join(str(row[0]) for row in rows)
    assert taken < MOST_BYTES[store_url.partition(":")[0].partition("+")[0]]


def stored_events(store: Store) -> dict[str, dict[str, Any]]:
    """Stored events of many kinds, by eventId as they were sent."""
    messages, _ = chat(8)
    messages += [
        message("text:chunk:tool-call", 20, messageId=MESSAGE, toolCallId="call_1", toolName="x", index=0, arguments='{"a":'),
        message("text:chunk:content", 21, messageId="1.0", messageCount=1.0, content="abc", delta="c"),
        message("text:chunk:content", 22, messageId="", provider=None, content="abc", delta="c"),
        message("text:chunk:done", 23, messageId=MESSAGE, hasTools=False, streaming=False, columns="data:image/png;base64,aGk="),
        message(
            "text:chunk:thinking", 24, messageId=MESSAGE, sequence=7, userId='a "quoted"\\ näme\u2028', content="t", delta="t"
        ),
        message("text:message:created", 25, messageId=MESSAGE, content="all there is"),
    ]
    messages[4]["payload"]["timestamp"] += 0.25
    store_all(store, messages)
    sent = [{"type": one["type"].partition(":")[2], **one["context"], **one["payload"]} for one in messages]
    return {one["eventId"]: one for one in sent}


@pytest.fixture
def sent(store: Store) -> dict[str, dict[str, Any]]:
    """
    What the store holds.
    """
    return stored_events(store)


def compared(event: dict[str, Any], is_chunk: bool) -> dict[str, Any]:
    """Without what reductions change."""
    left = {"columns", "pluginId", *(REDUCED if is_chunk else ())}
    return {name: value for name, value in event.items() if name not in left}


def assert_whole(found: Sequence[Any], sent: dict[str, dict[str, Any]]) -> None:
    """Each event has what it was sent with, of the same types; `found` are (eventId, event)."""
    assert sent.keys() == {event_id for event_id, _ in found}
    for event_id, event in found:
        is_chunk = ":chunk:" in sent[event_id]["type"]
        assert repr(sorted(compared(sent[event_id], is_chunk).items())) == repr(sorted(compared(event, is_chunk).items()))


def test_every_reader_gets_whole_events(store: Store, sent: dict[str, dict[str, Any]]) -> None:
    """
    Lists, one call's events, the live tail, one event, its beginning on the page, and assembly: what was left to columns is
    back, and nothing besides.
    """
    listed = store.events(EventFilter(project="default", limit=100)).items
    assert_whole([(row["event_id"], row["payload"]) for row in listed], sent)
    of_call = store.call_events("default", CALL, limit=100, cursor=None).items
    assert_whole([(row["event_id"], row["payload"]) for row in of_call], sent)
    tail = store.events_after("default", 0, limit=100)
    assert_whole([(row["event_id"], row["payload"]) for row in tail], sent)
    single: list[Any] = [store.event("default", int(row["arrival"])) for row in listed]
    assert_whole([(row["event_id"], row["payload"]) for row in single], sent)
    heads = store.call_event_heads("default", CALL, limit=100, cursor=None, max_chars=5_000).items
    assert all(len(row["payload"]) == row["payload_chars"] for row in heads)
    assert_whole([(row["event_id"], json.loads(row["payload"])) for row in heads], sent)
    (claim,) = stored.claim(store, now_ms=NOW_MS + 10**6)
    assert_whole([(event.event_id, event.payload) for event in claim.events], sent)


def test_rows_say_what_their_payload_lacks(store: Store, sent: dict[str, dict[str, Any]]) -> None:
    """
    By name in `reduced`; a sender's field of such a name is called otherwise there, and what differs from its column stays.
    """
    rows = {row["sequence"]: row["reduced"] for row in store.events_after("default", 0, limit=100)}
    assert ["context", "content", "columns", "id"] == rows[1]
    assert ["context", "content", "id"] == rows[5] == rows[21]
    assert "$.columns" in rows[23]
    assert rows[25] is None


def test_schema_goes_back_with_whole_payloads(store_url: str) -> None:
    """
    To the revision before: code of then takes payloads as they are.
    """
    store = open_store(store_url, settle_ms=SETTLE_MS)
    try:
        sent = stored_events(store)
    finally:
        store.close()
    config = Config()
    config.set_main_option("script_location", str(schema.scripts_folder()))
    connections = create_engine(store_url)
    with connections.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0010")
        found = [(row.event_id, json.loads(row.payload), row.reduced) for row in connection.execute(select(events))]
        command.upgrade(config, "head")
    connections.dispose()
    assert_whole([row[:2] for row in found], sent)
    assert not {"columns", "id"} & {name for row in found for name in json.loads(row[2] or "[]")}


def test_rows_of_before_are_read_as_they_are(store: Store) -> None:
    """
    A payload that is whole stays so, whatever its columns hold.
    """
    (row,) = read(json.dumps(chat(1)[0])).batch.events
    old = row._replace(payload='{"type":"text:chunk:content","delta":"The","content":3}', reduced='["content"]')
    batch = read(json.dumps(chat(1)[0])).batch
    store.append(type(batch)(project="default", received_ms=NOW_MS, resource=batch.resource, events=(old,))).result(30)
    (found,) = store.events_after("default", 0, limit=10)
    assert {"type": "text:chunk:content", "delta": "The", "content": 3} == found["payload"]
