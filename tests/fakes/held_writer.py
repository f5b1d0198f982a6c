"""
A writer that is kept busy, as a slow disk or a long transaction keeps it.

Flow: writer tests -> **Hold** -> GroupWriter.
"""

import threading
from typing import Any

from collector.storage.writer import GroupWriter


class Hold:
    """From the start until its end the writer is busy with a job of somebody's."""

    def __init__(self, writer: GroupWriter) -> None:
        self._has_begun, self._may_end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=writer.run, args=(self._hang,))
        self._thread.start()
        assert self._has_begun.wait(60)

    def end(self) -> None:
        """The writer goes on."""
        self._may_end.set()
        self._thread.join(60)

    def _hang(self, _connection: Any) -> None:
        self._has_begun.set()
        assert self._may_end.wait(60)
