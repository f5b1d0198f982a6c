"""
A collector like CollectorProcess's, forked from the nursery: for tests that start many.
"""

import signal
from dataclasses import dataclass
from typing import Self

from tests.end_to_end.kills.nursery import Child, Nursery
from tests.end_to_end.processes import START_LIMIT_S, CollectorProcess, wait_for


@dataclass(kw_only=True)
class WarmCollector(CollectorProcess):
    """`hookline serve` in a forked process."""

    nursery: Nursery
    what: str = "serve"
    child: Child | None = None

    def start(self) -> Self:
        ours = {"HOOKLINE_DATABASE_URL": self.database_url, "HOOKLINE_PORT": str(self.port), **self.env}
        self.child = self.nursery.start(self.what, environment=ours, log_path=self.log_path)
        try:
            wait_for("the collector to be ready", self._answers, limit_s=START_LIMIT_S)
        except BaseException:
            self.kill()
            raise
        return self

    def kill(self) -> None:
        assert self.child is not None
        self.child.kill()

    def stop(self) -> int:
        assert self.child is not None
        self.child.signal(signal.SIGTERM)
        return self.child.wait(limit_s=120)

    def is_alive(self) -> bool:
        return self.child is not None and self.child.is_alive()

    def _answers(self) -> bool:
        assert self.is_alive(), f"the collector ended:\n{self.log_path.read_text()[-4000:]}"
        try:
            return self.get_status("/readyz") == 200
        except OSError:
            return False
