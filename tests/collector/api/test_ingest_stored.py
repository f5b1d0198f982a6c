"""
The way in with a real database behind it, on both engines.
"""

import asyncio
import json

import httpx2
import pytest

from collector.api.access import Access
from collector.api.ingest import IngestApp
from collector.api.receipts import FirstReceipts
from collector.storage.engines import open_store
from collector.storage.protocols import EventFilter
from tests.fakes.posts import NOW_MS, TANSTACK_FILES, event, tanstack_lines

NDJSON = {"content-type": "application/x-ndjson"}


@pytest.fixture
def store(store_url):
    store = open_store(store_url, settle_ms=0)
    yield store
    store.close()


def post(store, body, headers=NDJSON, *, now_ms=NOW_MS):
    """One POST over ASGI to a collector that just started: the answer's JSON."""
    receipts = FirstReceipts(lambda project, key, received_ms: store.first_receipt(project, key, received_ms=received_ms))
    app = IngestApp(store, Access(store, host="127.0.0.1"), lambda: now_ms, receipts=receipts)

    async def ask():
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.post("/v1/events", content=body, headers=headers)

    return asyncio.run(ask()).json()


def test_every_recorded_message_is_stored_once(store):
    """
    All files in one go are all accepted; the second time all are duplicates.
    """
    lines = [line for name in TANSTACK_FILES for line in tanstack_lines(name)]
    body = b"\n".join(lines)
    assert {"accepted": len(lines), "duplicates": 0, "rejected": []} == post(store, body)
    assert {"accepted": 0, "duplicates": len(lines), "rejected": []} == post(store, body)


def test_repeat_to_another_collector_or_after_a_restart_is_known(store):
    """
    By its Idempotency-Key, also for events without an id and a time; and another key's are new.
    """
    body = b'{"type": "a"}\n{"type": "a"}\n{"type": "b", "timestamp": 1764000000000}'
    assert 3 == post(store, body, {**NDJSON, "idempotency-key": "k1"})["accepted"]
    again = post(store, body, {**NDJSON, "idempotency-key": "k1"}, now_ms=NOW_MS + 60_000)
    assert {"accepted": 0, "duplicates": 3, "rejected": []} == again
    other = post(store, body, {**NDJSON, "idempotency-key": "k2"}, now_ms=NOW_MS + 60_000)
    assert {"accepted": 2, "duplicates": 1, "rejected": []} == other


def test_what_no_database_likes_is_stored(store):
    """
    NUL, surrogates, huge numbers, very long names, sixty levels, times at the edge.
    """
    odd = [
        event(eventId="nul\0", model="a\0b", text="\ud800"),
        event(eventId="x" * 5000, requestId="é" * 5000, type="t" * 5000, provider="p" * 5000),
        event(eventId="big", sequence=2**62, messageCount=2**31 - 1, duration=1e300, huge=10**200),
        event(eventId="deep", nested=json.loads("[" * 60 + "]" * 60)),
        event(eventId="late", timestamp=99_999_999_999_999),
        event(eventId="early", timestamp=0),
        event(eventId="hook", type="hook:state-snapshot", hookId="h" * 5000, state={"a": "\0"}),
        event(eventId="media", type="speech:request:completed", audio="aGVsbG8gd29ybGQ="),
        {"type": "response.created", "pluginId": "openai", "payload": {"response": {"id": "r" * 5000}}},
    ]
    told = post(store, "\n".join(map(json.dumps, odd)))
    assert {"accepted": len(odd), "duplicates": 0, "rejected": []} == told
    found = {row["event_id"]: row for row in store.events(EventFilter(project="default", limit=100)).items}
    assert len(odd) == len(found)
    assert "a\ufffdb" == found["nul\ufffd"]["model"]
    assert 10**200 == found["big"]["payload"]["huge"]
