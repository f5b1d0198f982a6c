"""
News of commits: told once for all that end together.
"""

import asyncio

from collector.api.announcing import Announcer
from collector.events import Batch
from collector.validation.resource import NOBODY


async def test_what_ends_together_is_told_once():
    """
    Each project once, in the loop's next round; what comes after that is told anew.
    """
    told = []
    announcer = Announcer(told.append)
    for _ in range(2):
        for project in ("a", "b", "a"):
            announcer.note(Batch(project=project, received_ms=0, resource=NOBODY, events=()))
        await asyncio.sleep(0)
    assert [("a", "b"), ("a", "b")] == told
