"""
"Copy as SQL" means what the list means, on every engine.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine

from collector.storage.as_sql import calls_as_sql
from collector.storage.engines import open_store
from collector.storage.protocols import CallFilter, Store
from tests.fakes.posts import NOW_MS, read_events

QUOTED = 'it\'s 100% "odd" \\ _/'


def _call(name: str, age_ms: int, **fields: Any) -> list[dict[str, Any]]:
    base = {"requestId": name, "timestamp": NOW_MS - age_ms, "model": "gpt-4o", **fields}
    return [{**base, "type": "text:request:started", "eventId": f"{name}-1", "sequence": 1}]


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = open_store(store_url, settle_ms=0)
    events = [
        *_call("a", 0),
        *_call("b", 1000, model=QUOTED, clientId="c1"),
        *_call("c", 2000, provider="openai", clientId=QUOTED),
        *_call("d", 3000, sessionId="s1"),
    ]
    store.append(read_events(*events).batch).result(10)
    yield store
    store.close()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"model": (QUOTED,)},
        {"model": (f"!{QUOTED}",)},
        {"client_id": ("!c1",)},
        {"client_id": ("c1", QUOTED)},
        {"status": ("running",), "provider": ("openai",)},
        {"request_id": ("a", "d")},
        {"since_ms": NOW_MS - 2000, "until_ms": NOW_MS},
        {"tool": ("x",)},
        {"tool": ("!x",)},
        {"q": QUOTED},
        {"min_duration_ms": 0.5},
        {"limit": 2},
        {"project": "it's another"},
    ],
)
def test_text_finds_what_the_list_shows(store: Store, store_url: str, fields: dict[str, Any]) -> None:
    """
    Run by hand it gives the list's calls in the list's order, whatever the values hold.
    """
    query = CallFilter(**{"project": "default", **fields})
    wanted = [row["request_id"] for row in store.calls(query).items]
    engine = create_engine(store_url)
    with engine.connect() as connection:
        # Not the driver's own parameters: `%` stands for itself, as in psql.
        cursor = connection.connection.cursor()
        cursor.execute(calls_as_sql(query))
        found = [row[0] for row in cursor.fetchall()]
    engine.dispose()

    assert wanted == found
