"""
Retention by whole partitions on PostgreSQL: the same goes and stays as row by row, at any crash, beside ingest, one pass at a
time.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.keeping.forgetting import forget
from collector.keeping.partitions import GRACE_MS, fate_of, stretches
from collector.keeping.retention import RetentionLimits, RetentionWorker
from collector.storage import schema
from collector.storage.engines import open_store
from collector.storage.keeper import RetentionRule, Subject
from collector.storage.leaver import Partition
from collector.storage.outbox import ExportDone
from collector.storage.postgresql import PostgresqlEngine
from collector.storage.postgresql_leaving import look, take_out
from collector.storage.protocols import Store
from collector.validation.repeats import store_name
from tests.end_to_end.database import query
from tests.fakes.clock import FakeClock
from tests.fakes.kept import DAY_MS, OLD_MS, dangling, media, old_call, rows, showing
from tests.fakes.postgres import PostgresServer
from tests.fakes.repeated import LONG, OTHER, ended, post, ref_to, sha256_of, started
from tests.fakes.stored import NOW_MS, append, claim, event, settlement

WEEK_MS = 7 * DAY_MS
BEGIN_MS = OLD_MS // WEEK_MS * WEEK_MS
TABLES = ("events", "calls", "spans", "tool_calls", "token_usage", "call_health", "call_work", "exports", "blobs", "blob_refs")
PARTS = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'events!_%' ESCAPE '!' AND relname <> 'events_default'"
REMAINING = "SELECT event_id FROM events WHERE project <> '' UNION ALL SELECT 'call ' || request_id FROM calls"


@pytest.fixture(scope="module")
def template(postgres_server: PostgresServer) -> str:
    """
    A database with three weeks of old partitions, to be copied.
    """
    name = postgres_server.new_database()
    schema.prepare(postgres_server.url(name))
    engine = PostgresqlEngine(postgres_server.url(name))
    assert 3 == len(engine.make_partitions(now_ms=BEGIN_MS, days=7))
    engine.close()
    return name


@pytest.fixture
def url(postgres_server: PostgresServer, template: str) -> str:
    """
    A database of its own with these partitions.
    """
    return copied(postgres_server, template)


def copied(server: PostgresServer, template: str) -> str:
    return server.url(server.new_database(template=template))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """
    A store on it.
    """
    opened = open_store(url, settle_ms=0)
    yield opened
    opened.close()


def retention(store: Store, *, days: int | None = 30, is_exact: bool = False, now_ms: int = NOW_MS) -> RetentionWorker:
    limits = RetentionLimits(days=days, is_exact=is_exact)
    return RetentionWorker(store, limits, clock=FakeClock(now_ms), queued_events=store.queued_events)


def parts(url: str) -> list[str]:
    return sorted(row["relname"] for row in query(url, PARTS))


def fill(store: Store, *, calls: int = 6) -> None:
    """Calls over three weeks, with everything that a call can have, and events without one."""
    for number in range(calls):
        at_ms = BEGIN_MS + number * 3 * WEEK_MS // calls + 1
        old_call(
            store, f"r{number}", at_ms=at_ms, blob=media(b"%d" % (number % 2)), destinations=("otlp",),
            trace_id=f"{number:032}", span_id=f"{number:016}",
        )  # fmt: skip
        append(store, event(f"loose{number}", request_id=None, timestamp=at_ms, received_at=at_ms), received_ms=at_ms)
    for span in store.claim_exports(owner="w", destination="otlp", now_ms=NOW_MS, lease_ms=1, limit=99, max_bytes=10**6):
        store.settle_exports([ExportDone(export_id=span.export_id)], now_ms=NOW_MS)


def test_whole_partitions_go_with_everything_of_their_calls(store: Store, url: str):
    """
    No row is left in any table, no table is left, and the counts are those of what was there; a young call keeps all.
    """
    fill(store)
    old_call(store, "young", at_ms=NOW_MS - DAY_MS, blob=media(b"young"), trace_id="f" * 32)
    # Sizes are counted, so that something is to be taken off.
    while store.count_sizes(limit_events=100):
        pass
    sizes = store.sizes()["p"]

    removed = retention(store).run_pass()

    assert (3, 18, 6, 6, 2) == tuple(removed[name] for name in ("partitions", "events", "calls", "blob_refs", "blobs"))
    assert [] == parts(url)
    assert {} == dangling(url)
    assert {"events": 2, "calls": 1, "blobs": 1, "exports": 0, "call_work": 0}.items() <= rows(url, *TABLES).items()
    assert sizes - removed["bytes"] == store.sizes()["p"] > 0


def late(store: Store) -> None:
    append(store, event("late", request_id="r0", timestamp=BEGIN_MS + 1, received_at=NOW_MS))


def late_elsewhere(store: Store) -> None:
    append(store, event("late", request_id="r0", timestamp=NOW_MS, received_at=NOW_MS))
    (held,) = claim(store)
    store.settle_calls([settlement(held, start_ms=float(BEGIN_MS))], now_ms=NOW_MS)


def span_waits(store: Store) -> None:
    old_call(store, "r0x", at_ms=BEGIN_MS + 2, destinations=("otlp",), trace_id="c" * 32, span_id="d" * 16)


def other_project(store: Store) -> None:
    old_call(store, "other", at_ms=BEGIN_MS + 5, project="q", trace_id="e" * 32)
    store.set_retention(RetentionRule(project="q", days=0, max_bytes=None))


@pytest.mark.parametrize(
    "keep",
    [
        late,
        pytest.param(late_elsewhere, marks=pytest.mark.long),
        pytest.param(span_waits, marks=pytest.mark.long),
        other_project,
    ],
)
def test_what_is_to_be_kept_keeps_the_partition_and_rows_go_one_by_one(store: Store, url: str, keep: object):
    """
    Late news here or elsewhere, a span that waits, a project without a limit: that stays whole; the rest goes all the same.
    """
    fill(store)
    keep(store)  # pyright: ignore[reportCallIssue]
    partition = store.partitions()[0]
    cutoffs = {"p": NOW_MS - 30 * DAY_MS}
    assert "kept" == store.take_out(partition, cutoffs, now_ms=NOW_MS).outcome

    removed = retention(store).run_pass()

    assert 2 == removed["partitions"]
    assert [partition.name] == parts(url)
    assert 1 == rows(url, "calls")["calls"] + rows(url, "calls", project="q")["calls"]
    assert {} == dangling(url)


@pytest.mark.parametrize("news", [pytest.param(late, marks=pytest.mark.long), late_elsewhere, span_waits])
def test_what_comes_between_the_look_and_the_lock_stays(store: Store, url: str, news: object):
    """
    Acknowledged a moment before: the partition is not taken, whatever the look had found.
    """
    fill(store)
    partition = store.partitions()[0]
    cutoffs = {"p": NOW_MS - 30 * DAY_MS}
    engine = PostgresqlEngine(url)
    try:
        with engine.beside.connect() as connection:
            safe = engine.last_safe_arrival(connection) or 0
            found = look(connection, partition, cutoffs, safe_arrival=safe, now_ms=NOW_MS)
        assert found is not None
        news(store)  # pyright: ignore[reportCallIssue]
        with engine.beside.begin() as connection:
            assert not take_out(connection, partition, found)
        assert partition.name in parts(url)
    finally:
        engine.close()


def test_it_gives_way_to_ingest(store: Store, url: str):
    """
    An event of an old time that somebody is about to commit: no wait for long, and the event stays when it is there.
    """
    fill(store)
    partition = store.partitions()[0]
    cutoffs = {"p": NOW_MS - 30 * DAY_MS}
    with psycopg.connect(url.replace("+psycopg", "")) as ingest:
        ingest.execute("SELECT arrival FROM events LIMIT 1")
        assert "busy" == store.take_out(partition, cutoffs, now_ms=NOW_MS).outcome
    assert "taken" == store.take_out(partition, cutoffs, now_ms=NOW_MS).outcome


def lost(url: str) -> dict[str, int]:
    """What refers to nothing, if a partition that is leaving still counts as there."""
    leaving = [name for name in parts(url) if "leaving" in name]
    found = dangling(url)
    found.pop("media without a reference", None)
    if leaving:
        there = " UNION ALL ".join(f"SELECT project, request_id, timestamp, event_id FROM {name}" for name in leaving)
        checks = {
            "calls without an event": "FROM calls AS t WHERE NOT EXISTS (SELECT 1 FROM events AS e WHERE e.project = t.project"
            " AND e.request_id = t.request_id) AND NOT EXISTS (SELECT 1 FROM there AS e WHERE e.request_id = t.request_id)",
            "references without an event": "FROM blob_refs AS t WHERE NOT EXISTS (SELECT 1 FROM events AS e WHERE"
            " e.event_id = t.event_id) AND NOT EXISTS (SELECT 1 FROM there AS e WHERE e.event_id = t.event_id)",
        }
        for name, check in checks.items():
            found.pop(name, None)
            if n := query(url, f"WITH there AS ({there}) SELECT count(*) AS n {check}")[0]["n"]:
                found[name] = int(n)
    return found


def test_crash_at_any_step_leaves_nothing_lost(postgres_server: PostgresServer, template: str):
    """
    After every step nothing refers to nothing, and a pass begun anew (by another process, with other rules) ends what was begun.
    """
    url = copied(postgres_server, template)
    store = open_store(url, settle_ms=0)
    fill(store, calls=3)
    steps = 0
    while parts(url) and steps < 60:
        worker = retention(store)
        worker._step_events = 1  # pyright: ignore[reportPrivateUsage]
        going = worker._pass()  # pyright: ignore[reportPrivateUsage]
        steps += 1
        for _ in range(steps):
            if next(going, None) is None:
                break
            assert {} == lost(url)
        going.close()  # pyright: ignore[reportAttributeAccessIssue]
    retention(store, days=None).run_pass()
    retention(store).run_pass()
    store.close()

    assert 4 < steps < 60
    assert {} == dangling(url)
    assert [] == parts(url)
    assert {"events": 0, "calls": 0, "blobs": 0} == rows(url, "events", "calls", "blobs")


CALL = st.fixed_dictionaries(
    {
        "day": st.integers(0, 20),
        "days_long": st.sampled_from([0, 0, 3]),
        "project": st.sampled_from(["p", "p", "q"]),
        "kind": st.sampled_from(["done", "done", "done", "runs", "waits", "late", "loose", "media"]),
    }
)


@pytest.mark.parametrize("examples", [2, pytest.param(15, marks=pytest.mark.long)])
def test_the_same_goes_as_row_by_row(postgres_server: PostgresServer, template: str, sqlite_url: str, examples: int):
    """
    Whatever the calls are, however they lie over partitions: what stays is what stays on SQLite, and nothing refers to nothing.
    """

    @settings(max_examples=examples, deadline=None, database=None)
    @given(many=st.lists(CALL, min_size=6, max_size=9), other_days=st.sampled_from([None, 0, 90, 30]))
    def compare(many: list[dict[str, object]], other_days: int | None) -> None:
        _compare(copied(postgres_server, template), sqlite_url, many, other_days)

    compare()


def _compare(target: str, sqlite_url: str, many: list[dict[str, object]], other_days: int | None) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    fresh = path.read_bytes()
    kept: list[list[str]] = []
    for url in (target, sqlite_url):
        store = open_store(url, settle_ms=0)
        store.set_retention(RetentionRule(project="q", days=other_days, max_bytes=None))
        for number, one in enumerate(many):
            put(store, f"r{number}", one)
        retention(store, is_exact=True).run_pass()
        store.close()
        assert {} == dangling(url)
        kept.append(sorted(str(row["event_id"]) for row in query(url, REMAINING)))
    assert kept[0] == kept[1]
    for leftover in path.parent.glob(path.name + "-*"):
        leftover.unlink()
    path.write_bytes(fresh)


def put(store: Store, name: str, one: dict[str, object]) -> None:
    at_ms, project, kind = BEGIN_MS + int(str(one["day"])) * DAY_MS, str(one["project"]), one["kind"]
    if kind == "loose":
        append(store, event(name, request_id=None, timestamp=at_ms, received_at=at_ms), received_ms=at_ms, project=project)
        return
    received = {"received_at": NOW_MS} if kind == "late" else {}
    if one["days_long"]:
        # The first of its events lies days before the others, perhaps in another partition.
        first = event(f"{name}-0", request_id=name, timestamp=at_ms - 3 * DAY_MS, received_at=at_ms)
        append(store, first, start=True, received_ms=at_ms, project=project)
    number = int(name[1:])
    old_call(
        store, name, at_ms=at_ms, settled=kind != "runs", blob=media(b"%d" % (number % 2)) if kind == "media" else None,
        project=project, destinations=("otlp",) if kind == "waits" else (), trace_id=f"{number:032}", span_id=f"{number:016}",
        columns=received,
    )  # fmt: skip


def test_events_of_old_times_come_in_meanwhile(store: Store, url: str):
    """
    Two collectors take events of removed times while partitions go: each acknowledged one is there, or was of a call that went.
    """
    fill(store)
    other, failures, names = open_store(url, settle_ms=0), [], []

    def send() -> None:
        try:
            for number in range(40):
                blob = media(b"%d" % (number % 2))
                at_ms = BEGIN_MS + number * WEEK_MS // 14
                row = event(f"n{number}", request_id=f"r{number % 6}", timestamp=at_ms, payload=showing(blob))
                append(other, row, start=True, terminal=True, blobs=(blob,))
                names.append(row.event_id)
        except Exception as exc:
            failures.append(exc)

    sender = threading.Thread(target=send)
    sender.start()
    removed = retention(store).run_pass()
    sender.join(30)
    for _ in range(2):
        retention(store).run_pass()
    other.close()

    assert [] == failures
    there = {row["event_id"] for row in query(url, "SELECT event_id FROM events")}
    assert set(names) <= there, removed
    assert {} == dangling(url)


def test_somebody_to_forget_is_not_forgotten_half(store: Store, url: str):
    """
    What was taken out and is not gone yet goes at once when somebody asks to be forgotten.
    """
    fill(store)
    store.take_out(store.partitions()[0], {"p": NOW_MS - 30 * DAY_MS}, now_ms=NOW_MS)
    assert 3 == len(parts(url))

    subject = Subject(project="p", field="user_id", value="nobody")
    forget(store, subject, clock=FakeClock(NOW_MS), wait=lambda s: None, with_vacuum=False)

    assert 2 == len(parts(url))
    assert {} == dangling(url)


def test_one_pass_at_a_time(store: Store, url: str):
    """
    A second collector leaves a pass to the first one, and has one of its own when that has ended or is gone.
    """
    fill(store, calls=2)
    other = open_store(url, settle_ms=0)
    going = retention(store)._pass()  # pyright: ignore[reportPrivateUsage]
    next(going)

    assert {} == retention(other).run_pass()
    going.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert 2 == retention(other).run_pass()["calls"]
    assert {} == dangling(url)
    other.close()


def test_a_pass_that_has_ended_keeps_nobody_waiting(store: Store, url: str):
    """
    Its lock is free at once, not only when the server has noticed that a session is gone.
    """
    here = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    locks = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND database = {here}"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as watcher:
        for _ in range(20):
            with store.passing() as is_ours:
                assert is_ours
                assert (1,) == watcher.execute(locks).fetchone()
            assert (0,) == watcher.execute(locks).fetchone()


def test_rows_wait_for_their_partition_unless_they_must_not(store: Store, url: str):
    """
    Within a third of the limit; told otherwise they go as soon as their own time comes.
    """
    fill(store)
    # The limit lies in the second week.
    now_ms = BEGIN_MS + WEEK_MS + 5 * DAY_MS + 30 * DAY_MS
    removed = retention(store, now_ms=now_ms).run_pass()
    assert (1, 2) == (removed["partitions"], removed["calls"])

    assert 2 == retention(store, is_exact=True, now_ms=now_ms).run_pass()["calls"]
    assert 2 == len(parts(url))


def part(from_day: int | None, until_day: int, *projects: str) -> Partition:
    from_ms = None if from_day is None else from_day * DAY_MS
    return Partition(name="x", from_ms=from_ms, until_ms=until_day * DAY_MS, projects=frozenset(projects))


@pytest.mark.parametrize(
    ("partition", "fate"),
    [
        (part(0, 7, "p"), "whole"),
        (part(None, 7, "p"), "whole"),
        (part(0, 69, "p"), "whole"),
        (part(63, 70, "p"), "waits"),
        (part(66, 73, "p"), "waits"),
        (part(70, 77, "p"), "rows"),
        (part(56, 70, "p"), "rows"),
        (part(None, 75, "p"), "rows"),
        (part(0, 7), "rows"),
        (part(0, 7, "p", "for ever"), "rows"),
        # 90 days ago is day 10: the rows of `p` must not wait for `long`.
        (part(14, 21, "p", "long"), "rows"),
        (part(7, 14, "p", "long"), "waits"),
        (part(0, 9, "p", "long"), "whole"),
    ],
)
def test_what_becomes_of_a_partition(partition: Partition, fate: str):
    """
    It is day 100; p keeps 30 days, `long` 90, one keeps everything. Only a partition that is much narrower than the limit waits.
    """
    cutoffs = {"p": 70 * DAY_MS, "long": 10 * DAY_MS}

    assert fate == fate_of(partition, cutoffs, now_ms=100 * DAY_MS, may_wait=True)
    assert "waits" != fate_of(partition, cutoffs, now_ms=100 * DAY_MS, may_wait=False)
    assert DAY_MS == GRACE_MS


def test_rows_go_around_what_waits():
    """
    Before it, between, and behind it up to the limit.
    """
    waiting = [part(20, 27, "p"), part(10, 17, "p"), part(40, 47, "p")]

    assert [(None, 10), (17, 20), (27, 30)] == [
        (None if from_ms is None else from_ms / DAY_MS, until_ms / DAY_MS)
        for from_ms, until_ms in stretches(30 * DAY_MS, waiting)
    ]
    assert [(None, 5)] == list(stretches(5, waiting))


def test_messages_go_with_the_last_partition_that_refers_to_them(store: Store, url: str):
    """
    A partition leaves: what only its calls said goes, what a younger call refers to stays.
    """
    post(store, started("old", LONG, OTHER, at_ms=BEGIN_MS), ended("old", at_ms=BEGIN_MS), now_ms=BEGIN_MS)
    post(store, started("young", ref_to(LONG)), name=store_name("default", None))
    for claimed in claim(store, now_ms=NOW_MS + 10_000):
        store.settle_calls([settlement(claimed, start_ms=claimed.events[0].timestamp_ms)], now_ms=BEGIN_MS)

    removed = retention(store).run_pass()

    assert 1 == removed["partitions"]
    assert [sha256_of(LONG)] == [row["sha256"] for row in query(url, "SELECT sha256 FROM blobs")]
    assert {} == dangling(url)
