"""
An EventWriter that keeps batches in a list: for tests of the way in that need no database.
"""

from concurrent.futures import Future

from collector.events import Batch, EventRow, Receipt
from collector.storage.protocols import ApiKey


class MemoryWriter:
    """Stores at once. `failing` is raised by `append`; `failing_commit` by the future."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.rows: dict[tuple[str, int, str], EventRow] = {}
        self.failing: Exception | None = None
        self.failing_commit: Exception | None = None

    def append(self, batch: Batch) -> "Future[Receipt]":
        if self.failing:
            raise self.failing
        future: Future[Receipt] = Future()
        if self.failing_commit:
            future.set_exception(self.failing_commit)
            return future
        before = len(self.rows)
        for row in batch.events:
            self.rows.setdefault((row.project, row.timestamp, row.event_id), row)
        self.batches.append(batch)
        accepted = len(self.rows) - before
        future.set_result(Receipt(accepted=accepted, duplicates=len(batch.events) - accepted))
        return future

    def last_commit_age_s(self) -> float:
        return 0.0

    def failing_because(self) -> str | None:
        return None

    def queued_events(self) -> int:
        return 0


class MemoryKeys:
    """A KeyStore of what a test gives it: hash -> key. `lookups` counts what a database would be asked."""

    def __init__(self, *keys: tuple[str, ApiKey]) -> None:
        self.keys = dict(keys)
        self.lookups = 0
        self.uses: list[tuple[str, int]] = []

    def find_key(self, key_hash: str) -> ApiKey | None:
        self.lookups += 1
        return self.keys.get(key_hash)

    def has_keys(self) -> bool:
        self.lookups += 1
        return bool(self.keys)

    def public_origins(self) -> list[str]:
        self.lookups += 1
        return [origin for key in self.keys.values() for origin in key.origins]

    def note_key_use(self, key_id: str, *, now_ms: int) -> None:
        self.uses.append((key_id, now_ms))

    def add_key(self, **_: object) -> ApiKey:
        """A test gives its keys at the start: who makes one here meant a real store."""
        raise NotImplementedError

    def list_keys(self) -> list[ApiKey]:
        return list(self.keys.values())

    def revoke_key(self, key_id: str, *, now_ms: int) -> bool:
        kept = {key_hash: key for key_hash, key in self.keys.items() if key.key_id != key_id}
        was_there = len(kept) < len(self.keys)
        self.keys = kept
        return was_there
