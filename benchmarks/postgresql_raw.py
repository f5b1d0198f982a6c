"""
The ways to insert events into PostgreSQL idempotently, and the store beside them: `python -m benchmarks.postgresql_raw`.

One run, one server with fsync on, the ways in turn a few times over, because hosts drift: hold the ratios, not the rates.
A raw way is one connection, one transaction a group, the next group after the last one's commit; the store also writes calls and
work, and waits for nobody between its groups.
"""

import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import psycopg

from benchmarks.store import event_row, rows_a_second
from collector.events import EventRow
from collector.storage import schema
from collector.storage.engines import open_store
from collector.storage.postgresql_events import BulkInsert
from tests.fakes.postgres import PostgresServer, find_binaries

SIZES = (10, 100, 1_000, 5_000)
ROUNDS = 3
ROWS_A_TURN = 6_000
TEXT = "x" * 600
DURABLE = "-c fsync=on -c synchronous_commit=on -c full_page_writes=on -c shared_buffers=128MB -c max_wal_size=2GB"

Driver = psycopg.Connection[Any]
Insert = Callable[[Driver, Sequence[EventRow]], object]

_COLUMNS = ", ".join(EventRow._fields)
_ONE_BY_ONE = (
    f"INSERT INTO events ({_COLUMNS}) VALUES ({', '.join(['%b'] * len(EventRow._fields))}) "
    "ON CONFLICT (project, timestamp, event_id) DO NOTHING"
).encode()


def executemany(driver: Driver, rows: Sequence[EventRow]) -> None:
    """psycopg sends them in one pipeline, and the server runs a statement a row."""
    with driver.cursor() as cursor:
        cursor.executemany(_ONE_BY_ONE, rows)


WAYS: dict[str, Insert] = {
    "unnest": BulkInsert(copy_from_rows=sys.maxsize).insert,
    "COPY": BulkInsert(copy_from_rows=1).insert,
    "executemany": executemany,
}


def raw_rate(driver: Driver, insert: Insert, size: int, numbers: "count[int]") -> float:
    """Rows a second in groups of `size`, each committed."""
    now_ms = time.time_ns() // 1_000_000
    groups = [[event_row(next(numbers), now_ms, TEXT) for _ in range(size)] for _ in range(max(2, min(100, ROWS_A_TURN // size)))]
    begin = time.perf_counter()
    for group in groups:
        insert(driver, group)
        driver.commit()
    return size * len(groups) / (time.perf_counter() - begin)


def measure(url: str) -> None:
    """Print a line a size: each way's median and the store's, with the ratio to the best raw way."""
    schema.prepare(url)
    numbers, rates = count(), defaultdict[tuple[str, int], list[float]](list)
    store = open_store(url, settle_ms=1_000)
    with psycopg.connect(url.replace("+psycopg", "")) as driver:
        BulkInsert().prepare(driver)
        rows_a_second(store, 100, numbers, 0.3)
        for _ in range(ROUNDS):
            for size in SIZES:
                for name, insert in WAYS.items():
                    rates[name, size].append(raw_rate(driver, insert, size, numbers))
                rates["store", size].append(rows_a_second(store, size, numbers, 0.7))
    store.close()
    print("durability: fsync=on, synchronous_commit=on; rows/s, median of", ROUNDS)
    for size in SIZES:
        medians = {name: statistics.median(rates[name, size]) for name in (*WAYS, "store")}
        best = max(medians[name] for name in WAYS)
        shown = "  ".join(f"{name} {rate:>7,.0f}" for name, rate in medians.items())
        print(f"{size:>5} rows a transaction or batch:  {shown}  store/best raw {medians['store'] / best:.2f}")


def main() -> None:
    """Measure on a server of its own."""
    binaries = find_binaries()
    if binaries is None:
        print("PostgreSQL: no binaries, not measured")
        return
    server = PostgresServer(binaries, options=DURABLE)
    try:
        measure(server.url(server.new_database()))
    finally:
        server.stop()


if __name__ == "__main__":
    main()
