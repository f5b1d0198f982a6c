"""
What waits between a bus and the database.
"""

import asyncio
import json

import pytest

from collector.api.devtools_intake import BATCH_EVENTS, DevtoolsIntake
from collector.errors import StoreError
from collector.validation import Limits
from tests.fakes.memory_writer import MemoryWriter

NOW_MS = 1_764_000_000_000


def an_event(name: str, timestamp: int = NOW_MS) -> bytes:
    return json.dumps({"type": "client:created", "payload": {"timestamp": timestamp, "eventId": name}}).encode()


async def test_a_stop_stores_all_that_waits() -> None:
    """
    More than one batch, of which none was begun.
    """
    writer = MemoryWriter()
    intake = DevtoolsIntake(writer, lambda: NOW_MS, project="default", limits=Limits())
    count = 2 * BATCH_EVENTS + 1
    async with intake.running():
        for number in range(count):
            await intake.put(an_event(f"e-{number}", NOW_MS + number))
    assert (count, 0) == (sum(len(batch.events) for batch in writer.batches), intake.dropped)


@pytest.mark.parametrize("failure", [StoreError("it cannot hold this"), ValueError("a mistake of ours")])
async def test_after_a_batch_that_cannot_be_stored_the_next_one_is(failure: Exception) -> None:
    """
    Whatever is wrong with one batch is counted, and the bus goes on.
    """
    writer = MemoryWriter()
    intake = DevtoolsIntake(writer, lambda: NOW_MS, project="default", limits=Limits())
    writer.failing_commit = failure
    async with asyncio.timeout(10), intake.running():
        await intake.put(an_event("lost"))
        while not intake.dropped:
            await asyncio.sleep(0.001)
        writer.failing_commit = None
        await intake.put(an_event("kept"))
    (row,) = [row for batch in writer.batches for row in batch.events]
    assert ("kept", 1) == (json.loads(row.payload)["payload"]["eventId"], intake.dropped)
