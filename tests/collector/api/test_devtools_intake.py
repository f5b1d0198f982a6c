"""
What waits between a bus and the database.
"""

import json

from collector.api.devtools_intake import BATCH_EVENTS, DevtoolsIntake
from collector.validation import Limits
from tests.fakes.memory_writer import MemoryWriter


async def test_a_stop_stores_all_that_waits() -> None:
    """
    More than one batch, of which none was begun.
    """
    writer = MemoryWriter()
    intake = DevtoolsIntake(writer, lambda: 1_764_000_000_000, project="default", limits=Limits())
    count = 2 * BATCH_EVENTS + 1
    async with intake.running():
        for number in range(count):
            payload = {"timestamp": 1_764_000_000_000 + number, "eventId": f"e-{number}"}
            await intake.put(json.dumps({"type": "client:created", "payload": payload}).encode())
    assert (count, 0) == (sum(len(batch.events) for batch in writer.batches), intake.dropped)
