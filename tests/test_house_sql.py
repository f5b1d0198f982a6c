"""
Every query of docs/sql.md and of the README runs as printed, by the bare drivers and by `POST /v1/sql`, on both engines.
"""

import json
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from collector.pipeline.pipeline import Pipeline
from collector.query.sql import run_sql
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from collector.storage.schema import prepare
from collector.validation import read_batch
from tests.end_to_end.database import query
from tests.end_to_end.load import RESOURCE, call_events

ROOT = Path(__file__).parents[1]
MAY_BE_EMPTY = {"exports"}
"""Nothing waits where nothing is exported."""


def queries(engine: str) -> list[str]:
    """The statements of the fenced sql blocks that are for all engines, or for this one."""
    text = (ROOT / "docs/sql.md").read_text() + (ROOT / "README.md").read_text()
    blocks = re.findall(rf"^```sql(?: {engine})?\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return [statement.strip() for block in blocks for statement in block.split(";") if statement.strip()]


def engine_of(url: str) -> str:
    """sqlite or postgresql."""
    return url.partition(":")[0].partition("+")[0]


def example_events() -> list[dict[str, Any]]:
    """A stream that ends well and used a tool, one that failed, and one whose parent is missing."""
    at_ms = time.time() * 1000
    good = call_events("good", at_ms=at_ms, threadId="thread")
    tool = {"toolCallId": "t1", "toolName": "look_up", "result": {"found": 3}, "duration": 5.0, "arguments": {"word": "x"}}
    good.insert(
        2, {**good[0], **tool, "type": "tools:call:completed", "eventId": "good-9", "sequence": 9, "timestamp": at_ms + 70}
    )
    good[0]["messages"] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Look it up. " * 100}]
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
    store.append(result.batch).result(timeout=100)
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


def values(url: str) -> dict[str, Any]:
    """What the parameters of the pages' queries stand for here."""
    (call,) = query(url, "SELECT trace_id, model, thread_id FROM calls WHERE request_id = 'good'")
    return {"request_id": "good", "since_ms": 0, **call}


def empty_of(found: Mapping[str, Sequence[object]]) -> list[str]:
    """The queries without a row that should have one."""
    return [
        statement
        for statement, rows in found.items()
        if not rows and not any(f"FROM {name}" in statement for name in MAY_BE_EMPTY)
    ]


def test_every_query_of_the_pages_runs(filled_database: str) -> None:
    """
    By the bare drivers. Each query gives rows; only what was not exported may be empty.
    """
    known = values(filled_database)
    found = {
        statement: query(
            filled_database,
            re.sub(r"(?<!:):([a-z]\w*)", lambda name: f"'{known[name[1]]}'" if name[1] in known else name[0], statement),
        )
        for statement in queries(engine_of(filled_database))
    }

    assert len(found) > 15
    assert [] == empty_of(found)


def test_every_query_of_the_pages_runs_as_a_users(filled_database: str) -> None:
    """
    With its parameters through the collector's own way for users' SQL, read-only and in one project: the same.
    """
    known = values(filled_database)
    store = open_store(filled_database, settle_ms=0)
    try:
        found = {
            statement: run_sql(store, "default", sql=statement, params=known).rows
            for statement in queries(engine_of(filled_database))
        }
    finally:
        store.close()

    assert [] == empty_of(found)


def test_engines_have_the_same_questions() -> None:
    """
    Where a query needs two forms, the page has both.
    """
    assert len(queries("sqlite")) == len(queries("postgresql"))
    assert queries("sqlite") != queries("postgresql")
