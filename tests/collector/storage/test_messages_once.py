"""
Long messages are kept once for each project, whoever reads gets them back, and they go with the last call that has them.
"""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from collector.errors import UnknownRefs
from collector.events import Batch
from collector.keeping.forgetting import forget
from collector.keeping.retention import DAY_MS, RetentionLimits, RetentionWorker
from collector.storage import schema
from collector.storage.copying import copy_database
from collector.storage.engines import open_store
from collector.storage.keeper import Subject
from collector.storage.protocols import EventFilter, Store
from collector.storage.sql_types import SqlQuery
from collector.validation import Redaction, read_batch
from collector.validation.redaction_rules import load_redaction
from collector.validation.repeats import store_name
from tests.end_to_end.database import count, query
from tests.fakes.clock import FakeClock
from tests.fakes.kept import dangling
from tests.fakes.posts import NOW_MS
from tests.fakes.repeated import LONG, OTHER, body_of, ended, post, ref_to, sha256_of, started
from tests.fakes.stored import claim, settlement

LATER_MS = NOW_MS + 100 * DAY_MS
SMALL: list[Any] = ["a text", 1, 2.5, True, False, None, [], ["a", {"b": None}], {"role": "user", "content": "hi"}]


def payloads(store: Store, project: str = "default") -> dict[str, Any]:
    """What readers get of started events, by call."""
    items = store.events(EventFilter(project=project, type=("text:request:started",), limit=1000)).items
    return {item["request_id"]: item["payload"] for item in items}


def here(project: str = "default", rules: Redaction | None = None) -> str:
    return store_name(project, rules)


def batch_of(event: dict[str, Any]) -> Batch:
    return read_batch(body_of(event, store=here()), media="json", project="default", received_ms=NOW_MS).batch


def wipe(store: Store, name: str) -> None:
    clock = FakeClock(NOW_MS)
    subject = Subject(project="default", field="request_id", value=name)
    forget(store, subject, clock=clock, wait=lambda s: clock.advance(s * 1000), with_vacuum=False)


def test_every_reader_gets_the_messages(store: Store, store_url: str) -> None:
    """
    Lists, one event, one call's, the tail, the page's outline and story, and assembly: the event as it was sent, though the row
    has references; odd messages between them stay what they are.
    """
    whole = started("r1", *SMALL, LONG, OTHER, *SMALL, LONG, tail={"messages": [1]})
    assert 2 == post(store, whole, ended("r1"))["accepted"]

    (row,) = store.events(EventFilter(project="default", type=("text:request:started",), limit=10)).items
    assert whole == row["payload"]
    assert ["refs"] == row["reduced"]
    one = store.event("default", row["arrival"])
    assert one is not None
    assert whole == one["payload"]
    assert whole == store.call_events("default", "r1", limit=10, cursor=None).items[0]["payload"]
    assert whole == store.events_after("default", 0, limit=10)[0]["payload"]
    assert whole == store.call_story("default", "r1", limit=10, max_chars=100_000)[0].payload
    head = store.call_event_heads("default", "r1", limit=10, cursor=None, max_chars=100_000).items[0]
    assert whole == json.loads(head["payload"])
    (claimed,) = claim(store, now_ms=NOW_MS + 10_000)
    assert whole == claimed.events[0].payload

    (kept,) = query(store_url, "SELECT payload, length(payload) AS n FROM events WHERE type = 'text:request:started'")
    assert kept["n"] < 1200
    assert {"role": "user", "ref": f"sha256:{sha256_of(LONG)}"} == json.loads(kept["payload"])["messages"][len(SMALL)]
    assert {} == dangling(store_url)


def test_everybodys_sql_reads_them(store: Store, store_url: str) -> None:
    """
    The view `messages`, past us and through `POST /v1/sql`: each as it was sent, and none of another project.
    """
    post(store, started("r1", *SMALL, LONG, OTHER))
    other = read_batch(body_of(started("r2", LONG | {"n": 1})), media="json", project="other", received_ms=NOW_MS).batch
    store.append(other).result(60)
    asked = "SELECT n, role, message FROM messages WHERE request_id = 'r1' ORDER BY n"
    told = [(row["n"], row["role"], json.loads(row["message"])) for row in query(store_url, asked)]
    sent = [*SMALL, LONG, OTHER]
    assert [(n, m.get("role") if isinstance(m, dict) else None, m) for n, m in enumerate(sent)] == told
    for project, has in (("default", [row["message"] for row in query(store_url, asked)]), ("other", [])):
        answer = store.run_sql(SqlQuery(project=project, sql=asked, timeout_s=60))
        assert has == [row[2] for row in answer.rows]
    found = store.blob("default", sha256_of(LONG))
    assert found is not None
    assert ("application/json", LONG) == (found[0], json.loads(found[1]))


def test_a_reference_is_as_good_as_the_message(store: Store, store_url: str) -> None:
    """
    Who knows the store's name may refer to what it has; the same event whole is the same event, before and after.
    """
    told = post(store, started("r1", LONG), name="")
    assert {"accepted": 1, "duplicates": 0, "rejected": [], "store": here()} == told
    short, whole = started("r2", ref_to(LONG), LONG | {"n": 2}), started("r2", LONG, LONG | {"n": 2})
    assert 1 == post(store, short, name=here())["accepted"]
    assert 1 == post(store, whole, name=here())["duplicates"]
    assert 1 == post(store, short, name=here())["duplicates"]
    assert {"r1": started("r1", LONG), "r2": whole} == payloads(store)
    assert 2 == count(store_url, "SELECT count(*) FROM blobs")
    assert {} == dangling(store_url)


def test_an_unknown_reference_is_told_and_costs_the_others_nothing(store: Store, store_url: str) -> None:
    """
    Its event is rejected by its place, not stored, and makes no call; all others are stored. Sent whole it is taken.
    """
    post(store, started("r0", LONG))
    bad, good = started("r2", ref_to(OTHER)), started("r3", ref_to(LONG))
    told = post(store, ended("r1"), bad, good, {"type": "a", "timestamp": "?"}, name=here())
    assert (2, 0, here()) == (told["accepted"], told["duplicates"], told["store"])
    assert [(1, "unknown_ref"), (3, "bad_timestamp")] == [(one["index"], one["code"]) for one in told["rejected"]]
    assert started("r3", LONG) == payloads(store)["r3"]
    assert 0 == count(store_url, "SELECT count(*) FROM calls WHERE request_id = 'r2'")

    told = post(store, bad, name=here())
    assert ([0], here()) == ([one["index"] for one in told["rejected"]], told["store"])
    assert 1 == post(store, started("r2", OTHER), name=here())["accepted"]
    assert started("r2", OTHER) == payloads(store)["r2"]


def test_a_group_is_stored_without_the_batch_that_lacks_something(store: Store) -> None:
    """
    Several requests in one commit: only the one with an unknown reference hears so.
    """
    futures = [
        store.append(batch_of(one)) for one in (ended("r1"), started("r2", ref_to(LONG)), started("r3", LONG), ended("r4"))
    ]
    with pytest.raises(UnknownRefs):
        futures[1].result(60)
    assert [1, 1, 1] == [futures[n].result(60).accepted for n in (0, 2, 3)]


def test_no_other_project_can_be_referred_to(store: Store) -> None:
    """
    A content of another project and one that is nowhere look the same, even to one who guesses hash and name right.
    """
    post(store, started("r1", LONG))

    def refused(name: str, message: dict[str, Any]) -> str:
        body = body_of(started("r2", ref_to(message)), store=name)
        result = read_batch(body, media="json", project="other", received_ms=NOW_MS)
        if result.rejected:
            return result.rejected[0].detail
        with pytest.raises(UnknownRefs) as caught:
            store.append(result.batch).result(60)
        return str(caught.value)

    assert refused(here("other"), LONG) == refused(here("other"), OTHER)
    assert refused(here("default"), LONG) == refused(here("default"), OTHER)
    assert {} == payloads(store, "other")


def test_without_the_name_of_a_store_it_is_what_somebody_said(store: Store) -> None:
    """
    A sender that knows nothing of references loses no message that looks like one.
    """
    said = started("r1", {"role": "user", "ref": "sha256:" + "0" * 64}, LONG)
    assert 1 == post(store, said)["accepted"]
    assert said == payloads(store)["r1"]


def test_rules_of_the_operator_come_before_the_hash(store: Store, store_url: str) -> None:
    """
    What is kept, and its hash, is what the rules left; a content from before the rules can't be referred to, nor one they change.
    """
    rules = load_redaction("email", None, None)
    secret = {"role": "user", "content": "write to ann@example.com " + "x" * 1200}
    old = {"role": "user", "content": "write to bob@example.com " + "x" * 1200}
    post(store, started("r0", old), name="")
    assert here() != here("default", rules)
    told = post(store, started("r1", secret), name="", redaction=rules)
    assert here("default", rules) == told["store"]
    for name in (here(), told["store"]):
        told = post(store, started("r2", ref_to(secret)), name=name, redaction=rules)
        assert ["unknown_ref"] == [one["code"] for one in told["rejected"]]
    told = post(store, started("r3", ref_to(old)), name=here(), redaction=rules)
    assert ["unknown_ref"] == [one["code"] for one in told["rejected"]]
    assert "[email]" in payloads(store)["r1"]["messages"][0]["content"]
    assert 0 == count(store_url, f"SELECT count(*) FROM blobs WHERE sha256 = '{sha256_of(secret)}'")


def test_a_content_goes_with_its_last_call(store: Store, store_url: str) -> None:
    """
    Forgetting the first leaves it for the second; after the second it is gone, and a reference to it unknown.
    """
    post(store, started("r1", LONG), ended("r1"))
    post(store, started("r2", ref_to(LONG)), ended("r2"), name=here())
    wipe(store, "r1")
    assert started("r2", LONG) == payloads(store)["r2"]
    wipe(store, "r2")
    assert 0 == count(store_url, "SELECT (SELECT count(*) FROM blobs) + (SELECT count(*) FROM blob_refs)")
    assert 1 == len(post(store, started("r3", ref_to(LONG)), name=here())["rejected"])


def test_retention_leaves_what_a_younger_call_has(store: Store, store_url: str) -> None:
    """
    By age: the old call goes, its message stays with the new one, and goes with that.
    """
    post(store, started("r1", LONG, OTHER), ended("r1"))
    post(store, started("r2", ref_to(LONG), at_ms=LATER_MS), ended("r2", at_ms=LATER_MS), name=here(), now_ms=LATER_MS)
    for claimed in claim(store, now_ms=LATER_MS + 1):
        start_ms = float(min(event.timestamp_ms for event in claimed.events))
        store.settle_calls([settlement(claimed, start_ms=start_ms)], now_ms=LATER_MS)

    def retain(now_ms: int) -> None:
        RetentionWorker(store, RetentionLimits(days=30), clock=FakeClock(now_ms), queued_events=store.queued_events).run_pass()

    retain(LATER_MS)
    assert {"r2": started("r2", LONG, at_ms=LATER_MS)} == payloads(store)
    assert [sha256_of(LONG)] == [row["sha256"] for row in query(store_url, "SELECT sha256 FROM blobs")]
    retain(LATER_MS + 40 * DAY_MS)
    assert 0 == count(store_url, "SELECT count(*) FROM blobs")


def test_a_copy_has_the_messages(postgresql_url: str, tmp_path: Path) -> None:
    """
    `db copy` to another engine: the same events for readers, and references are good for the copy, too.
    """
    source, target = f"sqlite:///{tmp_path / 'from.db'}", postgresql_url
    schema.prepare(source)
    kept = open_store(source, settle_ms=0)
    post(kept, started("r1", *SMALL, LONG))
    kept.close()
    assert all(report.is_equal for report in copy_database(source, target, into_existing=False, told=lambda *_: None))
    copied = open_store(target, settle_ms=0)
    post(copied, started("r2", ref_to(LONG)), name=here())
    assert {"r1": started("r1", *SMALL, LONG), "r2": started("r2", LONG)} == payloads(copied)
    copied.close()


def test_who_removes_contents_waits_for_who_refers_to_them(postgresql_url: str) -> None:
    """
    PostgreSQL: between the look for a content and the commit of what refers to it nobody removes it.
    """
    from collector.storage.repeats import lacking

    store = open_store(postgresql_url, settle_ms=0)
    post(store, started("r1", LONG))
    batch = batch_of(started("r2", ref_to(LONG)))
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM blob_refs")
    with engine.begin() as connection:
        assert {} == lacking(connection, [batch])
        swept = threading.Thread(target=lambda: _swept(store))
        swept.start()
        swept.join(0.3)
        key = (sha256_of(LONG), NOW_MS)
        connection.exec_driver_sql("INSERT INTO blob_refs VALUES ('default', %s, %s, 'r2-1')", key)
    swept.join(60)
    assert 1 == count(postgresql_url, "SELECT count(*) FROM blobs")
    engine.dispose()
    store.close()


def _swept(store: Store) -> None:
    try:
        store.sweep_blobs(limit=10)
    except Exception:
        # It does not wait for ever: then it has removed nothing.
        return


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_older_code_gets_whole_rows(engine: str, request: pytest.FixtureRequest) -> None:
    """
    Going back to 0011 writes the messages into their rows again.
    """
    if engine == "sqlite":
        url = request.getfixturevalue("sqlite_url")
    else:
        server = request.getfixturevalue("postgres_server")
        url = server.url(server.new_database())
        schema.prepare(url)
    store = open_store(url, settle_ms=0)
    whole = started("r1", *SMALL, LONG, OTHER)
    post(store, whole)
    store.close()
    _downgrade(url)
    (row,) = query(url, "SELECT payload, reduced FROM events WHERE type = 'text:request:started'")
    assert whole == json.loads(row["payload"])
    assert "[]" == row["reduced"]
    assert 0 == count(url, "SELECT count(*) FROM blob_refs")


def _downgrade(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(schema.scripts_folder()))
        config.attributes["connection"] = connection
        command.downgrade(config, "0011")
    engine.dispose()
