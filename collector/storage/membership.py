"""
This process among those that share a database: its name, their common clock, news of each other, and who died.

Flow: app -> engines.open_membership -> **Membership**: Alone (SQLite) | postgresql_presence (PostgreSQL).
Work is safe without it, by leases alone; with it the work of a dead collector is taken over in seconds, and a reader hears at
once what another collector stored.
"""

import os
import socket
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from collector.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who is told. All return at once; they are called from a thread of the membership."""

    on_news: Callable[[Sequence[str] | None], None] = lambda projects: None
    """Another collector stored something of these projects; None: of any."""
    on_freed: Callable[[], None] = lambda: None
    """Claims of a dead collector are free again."""


class Membership(Protocol):
    """One collector of a database."""

    @property
    def owner(self) -> str:
        """The name under which this process claims work: unique, and readable for whoever looks into the table."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock that all collectors of the database share, so that leases and due times mean the same to each."""
        ...

    def join(self, listeners: Listeners) -> None:
        """Show that this process lives, from now on."""
        ...

    def tell(self, projects: Sequence[str]) -> None:
        """Let others know that something of these projects was committed. Cheap, from any thread, never blocks."""
        ...

    def leave(self, timeout_s: float) -> None:
        """Give all claims back and go."""
        ...


class Alone:
    """On SQLite the file's lock keeps a second collector away: nobody to tell, and the machine's clock is the clock."""

    def __init__(self) -> None:
        self.owner = new_owner()
        self.clock: Clock = SystemClock()

    def join(self, listeners: Listeners) -> None:
        """Nobody is there."""

    def tell(self, projects: Sequence[str]) -> None:
        """Nobody hears."""

    def leave(self, timeout_s: float) -> None:
        """Nobody notices."""


def new_owner() -> str:
    """A name for a process: machine, process, and something that no other has."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
