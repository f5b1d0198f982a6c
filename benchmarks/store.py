"""
Rows a second into a store, in this process, without HTTP: `python -m benchmarks.store [seconds]`.

Every figure says how durable the commit behind it was. Several batches wait at a time, as under load, so groups form.
`benchmarks.postgresql_raw` holds PostgreSQL against what the driver alone reaches.
"""

import json
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import count
from pathlib import Path

from collector.events import Batch, CallTouch, EventRow, Receipt, Resource
from collector.storage import schema
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from tests.fakes.postgres import PostgresServer, find_binaries

SIZES = (10, 100, 1_000)
WAITING_EVENTS = 4_000
EVENTS_A_CALL = 6
RESOURCE = Resource(resource_id="bench", service="bench", attributes={"telemetry.sdk.name": "hookline-py"})


def batches(size: int, numbers: "count[int]") -> Iterator[Batch]:
    """Batches of `size` events with 700 bytes of payload, six events a call."""
    text = "x" * 600
    while True:
        now_ms = time.time_ns() // 1_000_000
        rows = [event_row(next(numbers), now_ms, text) for _ in range(size)]
        firsts = {row.request_id: row for row in reversed(rows) if row.request_id}
        touches = tuple(
            CallTouch(request_id=request_id, first=first, operation="chat", has_start=True, has_terminal=False)
            for request_id, first in firsts.items()
        )
        yield Batch(project="default", received_ms=now_ms, resource=RESOURCE, events=tuple(rows), touches=touches)


def event_row(number: int, now_ms: int, text: str) -> EventRow:
    """A chunk event as the store takes it."""
    values = dict.fromkeys(EventRow._fields)
    values.update(
        project="default", event_id=f"0198c1d2e3f4-{number:09}", type="text:chunk:content", timestamp=now_ms, received_at=now_ms,
        request_id=f"req-0198c1d2-{number // EVENTS_A_CALL:09}", stream_id=f"stream-{number // EVENTS_A_CALL:09}",
        client_id="bench", source="server", provider="openai", model="gpt-4o", sequence=number, service="bench", clock="sender",
        payload=json.dumps({"type": "text:chunk:content", "delta": text}), dialect="hookline", resource_id="bench",
    )  # fmt: skip
    return EventRow(**values)  # pyright: ignore[reportArgumentType]


def rows_a_second(store: Store, size: int, numbers: "count[int]", seconds: float) -> float:
    """Acknowledged events a second, with up to WAITING_EVENTS of them waiting."""
    ready = [batch for batch, _ in zip(batches(size, numbers), range(max(8, int(30_000 * seconds / size))), strict=False)]
    waiting: deque[Future[Receipt]] = deque()
    acknowledged = 0
    begin = time.perf_counter()
    for batch in ready:
        waiting.append(store.append(batch))
        if len(waiting) * size >= WAITING_EVENTS:
            acknowledged += waiting.popleft().result().accepted
        if time.perf_counter() - begin > seconds:
            break
    acknowledged += sum(future.result().accepted for future in waiting)
    return acknowledged / (time.perf_counter() - begin)


def measure(name: str, durability: str, url: str, seconds: float) -> None:
    """Print a line a batch size."""
    schema.prepare(url)
    store = open_store(url, settle_ms=1_000)
    numbers = count()
    rows_a_second(store, 100, numbers, 0.3)
    for size in SIZES:
        rate = rows_a_second(store, size, numbers, seconds)
        print(f"{name:<11} {size:>5} events a batch  {rate:>8,.0f} rows/s   durability: {durability}")
    store.close()


def main() -> None:
    """Measure both engines."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    with tempfile.TemporaryDirectory(prefix="hookline-bench-", dir=Path.cwd()) as folder:
        measure("SQLite", "WAL, synchronous=FULL: synced before the answer", f"sqlite:///{folder}/bench.db", seconds)
    binaries = find_binaries()
    if binaries is None:
        print("PostgreSQL: no binaries, not measured")
        return
    server = PostgresServer(binaries, options="-c fsync=on -c synchronous_commit=on -c shared_buffers=128MB")
    try:
        measure(
            "PostgreSQL", "fsync=on, synchronous_commit=on: synced before the answer", server.url(server.new_database()), seconds
        )
    finally:
        server.stop()


if __name__ == "__main__":
    main()
