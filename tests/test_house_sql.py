"""
Every query of docs/sql.md and of the README runs as printed, by the bare drivers, on both engines.
"""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from collector.pipeline import Pipeline
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from collector.storage.schema import prepare
from collector.validation import read_batch
from tests.end_to_end.database import query
from tests.end_to_end.load import RESOURCE, call_events

ROOT = Path(__file__).parents[1]
MAY_BE_EMPTY = {"exports"}
"""Nothing waits where nothing is exported."""


def queries() -> list[str]:
    """The statements of the fenced sql blocks."""
    text = (ROOT / "docs/sql.md").read_text() + (ROOT / "README.md").read_text()
    blocks = re.findall(r"^```sql\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return [statement.strip() for block in blocks for statement in block.split(";") if statement.strip()]


def example_events() -> list[dict[str, Any]]:
    """A stream that ends well and used a tool, one that failed, and one whose parent is missing."""
    at_ms = time.time() * 1000
    good = call_events("good", at_ms=at_ms)
    tool = {"toolCallId": "t1", "toolName": "look_up", "result": {"found": 3}, "duration": 5.0, "arguments": {"word": "x"}}
    good.insert(
        2, {**good[0], **tool, "type": "tools:call:completed", "eventId": "good-9", "sequence": 9, "timestamp": at_ms + 70}
    )
    failed = call_events("failed", at_ms=at_ms, sequence=20)[:1]
    error = {"type": "text:request:error", "error": {"name": "RateLimitError", "message": "429 slow down"}, "duration": 12.0}
    failed.append({**failed[0], **error, "eventId": "failed-22", "sequence": 22, "timestamp": at_ms + 12})
    return [*good, *failed, *call_events("orphan", at_ms=at_ms, sequence=40, parentRequestId="nobody")]


def fill(store: Store) -> None:
    """Take the example in as a POST would, and assemble it."""
    now_ms = int(time.time() * 1000)
    body = json.dumps({"resource": RESOURCE, "events": example_events()}).encode()
    result = read_batch(body, media="json", project="default", received_ms=now_ms)
    assert () == result.rejected
    store.append(result.batch).result(timeout=20)
    pipeline = Pipeline(store, (), settle_ms=0, idle_timeout_ms=1000)
    while pipeline.run_once():
        pass


@pytest.fixture
def filled_database(store_url: str) -> str:
    """A database with three calls in it, closed again."""
    prepare(store_url)
    store = open_store(store_url, settle_ms=0)
    try:
        fill(store)
    finally:
        store.close()
    return store_url


def test_every_query_of_the_pages_runs(filled_database: str) -> None:
    """
    Each query gives rows; only what was not exported may be empty.
    """
    (call,) = query(filled_database, "SELECT request_id, trace_id FROM calls WHERE request_id = 'good'")
    found = {
        statement: query(
            filled_database, statement.replace(":request_id", "'good'").replace(":trace_id", f"'{call['trace_id']}'")
        )
        for statement in queries()
    }
    empty = [
        statement
        for statement, rows in found.items()
        if not rows and not any(f"FROM {name}" in statement for name in MAY_BE_EMPTY)
    ]

    assert len(found) > 8
    assert [] == empty
