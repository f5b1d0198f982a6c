"""
Tell once what many requests say together: in which projects something was committed.

Flow: ingest -> **Announcer** -> live hub, pipeline, other collectors. A commit ends many requests in one round of the event loop.
"""

import asyncio
from collections.abc import Callable, Sequence

from collector.events import Batch


class Announcer:
    """Of one event loop; `tell` is called in its next round."""

    def __init__(self, tell: Callable[[Sequence[str]], None]) -> None:
        self._tell = tell
        self._projects: dict[str, None] = {}

    def note(self, batch: Batch) -> None:
        """A batch was committed."""
        if not self._projects:
            asyncio.get_running_loop().call_soon(self._tell_all)
        self._projects[batch.project] = None

    def _tell_all(self) -> None:
        projects, self._projects = tuple(self._projects), {}
        self._tell(projects)
