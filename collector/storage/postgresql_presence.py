"""
A collector shows that it lives by a lock of its own session: PostgreSQL lets go of it in the moment the process dies.

Flow: app -> **Presence** -> collectors, pg_locks, call_work, exports; LISTEN and NOTIFY.
A thread with one connection: it holds the lock, hears news, tells news, reads the database's clock and looks for names in
`collectors` whose lock nobody holds. Such a name counts as dead after `GRACE_S`, so that a connection that merely broke has time
to come back; then its claims are free at once instead of at the end of their leases.
"""

import json
import threading
import time
from collections.abc import Sequence
from typing import Any, cast

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError

from collector.clock import Clock
from collector.storage.membership import Listeners
from collector.storage.postgresql_clock import DatabaseClock
from collector.storage.postgresql_connections import Driver, connections_to, driver_of

log: Any = structlog.get_logger(__name__)

BEAT_S = 0.1
"""So often news are told; what is heard is heard at once."""
LOOK_EVERY_S = 0.4
GRACE_S = 1.2
RECONNECT_S = 0.2
ANY_PROJECT = "*"

_CHANNEL = "hookline_news"
# The first half of the lock's two numbers: what it is for. The second is the collector's own.
_ALIVE = 0x686B_0003
_MOST_NOTE_BYTES = 7_000

_Looked = tuple[float, list[str], list[str]]

_ENTER = """
INSERT INTO collectors (owner, lock_key, roles, started_ms) VALUES (%s, %s, %s, %s)
ON CONFLICT (owner) DO UPDATE SET lock_key = excluded.lock_key
"""
_HELD = f"""
    SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = {_ALIVE} AND objsubid = 2 AND objid::bigint = lock_key
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608
_LOOK = f"""
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::double precision,
       ARRAY(SELECT owner FROM collectors WHERE NOT EXISTS ({_HELD})),
       ARRAY(SELECT owner FROM collectors)
"""  # noqa: S608
_FORGET = f"DELETE FROM collectors WHERE owner = %s AND NOT EXISTS ({_HELD})"  # noqa: S608
_GO = "DELETE FROM collectors WHERE owner = %s"
# Locked in the order in which ingest locks them, so that nobody waits in a ring.
_FREE_CALLS = """
UPDATE call_work SET lease_owner = NULL, lease_until_ms = NULL FROM (
    SELECT project, request_id FROM call_work WHERE lease_owner = %s ORDER BY project, request_id FOR UPDATE
) AS held WHERE call_work.project = held.project AND call_work.request_id = held.request_id
"""
_FREE_EXPORTS = "UPDATE exports SET lease_owner = NULL, next_at = queued_ms WHERE state = 'pending' AND lease_owner = %s"


class Presence:
    """`Membership` on PostgreSQL."""

    def __init__(self, url: str, *, owner: str, roles: Sequence[str] = (), grace_s: float = GRACE_S) -> None:
        self.owner = owner
        self._grace_s = grace_s
        # The end of the name is random, so two collectors have one number once in two thousand million times.
        self._lock_key = int(owner[-8:], 16) & 0x7FFF_FFFF
        self._roles = ",".join(roles)
        self._clock = DatabaseClock()
        # A machine that vanishes says no word: the server asks every few seconds whether it is still there.
        self._connections = connections_to(url, "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3")
        self._listeners = Listeners()
        self._untold: set[str] = set()
        self._missing_since_s: dict[str, float] = {}
        self._looks = 0
        self._is_away = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hookline-presence", daemon=True)

    @property
    def looks(self) -> int:
        """How often it looked around."""
        return self._looks

    @property
    def clock(self) -> Clock:
        return self._clock

    def join(self, listeners: Listeners) -> None:
        """See `Membership.join`. Where the database is away it goes on trying."""
        self._listeners = listeners
        self._thread.start()

    def tell(self, projects: Sequence[str]) -> None:
        """See `Membership.tell`."""
        # Also while no other is known: one that has just come is heard of at the next look only.
        self._untold.update(projects)

    def leave(self, timeout_s: float) -> None:
        """See `Membership.leave`."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._connections.dispose()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._live()
            except (psycopg.Error, DBAPIError) as exc:
                self._note_away(exc)
                self._stopping.wait(RECONNECT_S)

    def _live(self) -> None:
        """As long as the connection lasts, or until told to stop."""
        with self._connections.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            try:
                self._live_on(driver_of(connection))
            except psycopg.Error:
                # SQLAlchemy saw none of it, and would try to tidy up what is broken.
                connection.invalidate()
                raise

    def _live_on(self, driver: Driver) -> None:
        self._enter(driver)
        looked_s = 0.0
        while not self._stopping.is_set():
            if time.monotonic() - looked_s >= LOOK_EVERY_S:
                looked_s = time.monotonic()
                self._look(driver)
            self._tell_others(driver)
            self._listen(driver)
        self._tell_others(driver)
        self._free(driver, self.owner, _GO)

    def _enter(self, driver: Driver) -> None:
        # Before the lock: whoever is seen to be alive hears what is told.
        driver.execute(f"LISTEN {_CHANNEL}".encode())
        driver.execute("SELECT pg_advisory_lock(%s, %s)", (_ALIVE, self._lock_key))
        driver.execute(_ENTER, (self.owner, self._lock_key, self._roles, self._clock.now_ms()))
        # Whoever else was cut off gets as long to come back as it would have had from now on.
        self._missing_since_s.clear()
        if self._is_away:
            self._is_away = False
            log.info("collector_present_again", owner=self.owner)
            # What was told meanwhile was not heard.
            self._listeners.on_news(None)

    def _look(self, driver: Driver) -> None:
        began_s = time.monotonic()
        self._looks += 1
        now_ms, missing, all_owners = cast(_Looked, driver.execute(_LOOK.encode()).fetchone())
        self._clock.set(now_ms, at_s=(began_s + time.monotonic()) / 2)
        if self.owner not in all_owners:
            # Others took us for dead. What they took from us they settle as well as we do.
            self._enter(driver)
        self._missing_since_s = {owner: self._missing_since_s.get(owner, began_s) for owner in missing if owner != self.owner}
        for owner, since_s in self._missing_since_s.items():
            if began_s - since_s >= self._grace_s and self._free(driver, owner, _FORGET):
                log.warning("claims_taken_over", dead=owner)
                self._listeners.on_freed()

    def _free(self, driver: Driver, owner: str, forget: str) -> bool:
        """Take a name out and free its claims; False where somebody else was quicker, or it lives."""
        with driver.transaction():
            if driver.execute(forget.encode(), (owner,)).rowcount == 0:
                return False
            driver.execute(_FREE_CALLS, (owner,))
            driver.execute(_FREE_EXPORTS, (owner,))
        return True

    def _tell_others(self, driver: Driver) -> None:
        if not self._untold:
            return
        projects, self._untold = self._untold, set()
        note = json.dumps([self.owner, *sorted(projects)])
        if len(note.encode()) > _MOST_NOTE_BYTES:
            note = json.dumps([self.owner, ANY_PROJECT])
        driver.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, note))

    def _listen(self, driver: Driver) -> None:
        for note in driver.notifies(timeout=BEAT_S, stop_after=1):
            self._hear(note.payload)

    def _hear(self, payload: str) -> None:
        try:
            sender, *projects = json.loads(payload)
        except ValueError:
            return
        if sender != self.owner:
            self._listeners.on_news(None if ANY_PROJECT in projects else projects)

    def _note_away(self, exc: Exception) -> None:
        if not self._is_away:
            self._is_away = True
            log.warning("collector_not_present", owner=self.owner, error=type(exc).__name__)
