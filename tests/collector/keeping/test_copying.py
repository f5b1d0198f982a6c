"""
Copies of whole databases: between the engines and back, broken off and gone on, and what a difference does.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.cli.commands import run_command
from collector.errors import StoreError, StoreLocked, WrongSettings
from collector.events import HookState
from collector.storage.backup import back_up
from collector.storage.copying import TableReport, copy_database, row_hash
from collector.storage.engines import open_store
from collector.storage.keeper import RetentionRule
from collector.storage.protocols import CallFilter, EventFilter
from tests.end_to_end.database import count, query
from tests.fakes.kept import media, old_call
from tests.fakes.stored import NOW_MS, append, event


def fill(url: str, *, calls: int = 11) -> None:
    """Something in every table, with text that engines might treat differently."""
    store = open_store(url, settle_ms=0)
    for number in range(calls):
        columns = {"fraction": 0.1 + number / 1000, "duration_ms": 1e17 / 3 if number % 2 else 3.0, "streaming": True}
        odd = f"Grüße 𝄞 \u200b {number} \\ \" '"
        old_call(
            store, f"r{number}", at_ms=NOW_MS - number, settled=number % 5 != 0, blob=media(b"\x00\xff%d" % (number % 4)),
            destinations=("otlp",), trace_id=f"{number:032}", span_id=f"{number:016}", prompt_preview=odd,
            columns=columns,
        )  # fmt: skip
    store.first_receipt("p", "once", received_ms=NOW_MS)
    state = HookState(hook_id="ü", timestamp=NOW_MS, sequence=2**62, state='{"a": 1}')
    append(store, event("s", request_id=None), hook_states=(state,))
    store.set_retention(RetentionRule(project="p", days=3, max_bytes=2**61))
    store.add_key(project="p", name="Schlüssel", scopes=("read",), key_hash="h" * 64, now_ms=NOW_MS)
    store.count_sizes(limit_events=10)
    store.close()


def copy(source: str, target: str, *, into_existing: bool = False) -> dict[str, TableReport]:
    reports = copy_database(source, target, into_existing=into_existing, told=lambda table, what, done, total: None)
    return {report.table: report for report in reports}


def answers(url: str) -> tuple[object, ...]:
    """What readers get."""
    store = open_store(url, settle_ms=0, read_only=True)
    try:
        calls = store.calls(CallFilter(project="p", limit=1000)).items
        events = store.events(EventFilter(project="p", limit=1000)).items
        keys = store.list_keys()
        return calls, events, keys, [store.call_details("p", "r1")], store.blob("p", media(b"\x00\xff1").sha256)
    finally:
        store.close()


def test_there_and_back_again(sqlite_url: str, postgresql_url: str, tmp_path: Path):
    """
    SQLite, PostgreSQL, SQLite: equal counts, checksums and answers; and what comes next gets a number of its own. Receipts of
    requests stay where the requests came.
    """
    fill(sqlite_url)
    back = f"sqlite:///{tmp_path}/back.db"

    there = copy(sqlite_url, postgresql_url)
    again = copy(postgresql_url, back)

    assert all(report.is_equal for report in (*there.values(), *again.values()))
    assert {name: one.source_checksum for name, one in there.items()} == {
        name: one.target_checksum for name, one in again.items()
    }
    filled = {name for name, report in there.items() if report.source_rows}
    assert there.keys() - filled <= {"page_sessions"}
    assert [0, 0] == [count(back, f"SELECT count(*) FROM {table}") for table in ("receipts", "collectors")]
    assert answers(sqlite_url) == answers(postgresql_url) == answers(back)
    highest = count(postgresql_url, "SELECT max(arrival) FROM events")
    store = open_store(postgresql_url, settle_ms=0)
    append(store, event("next", request_id=None))
    assert highest < store.last_arrival("p")
    store.close()


def test_a_full_target_is_refused_unless_one_goes_on(sqlite_url: str, tmp_path: Path):
    """
    A copy that broke off is gone on with; rows of the target's own are a difference, and the command ends with 1.
    """
    fill(sqlite_url)
    target = f"sqlite:///{tmp_path}/copy.db"
    copy(sqlite_url, target)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        connection.execute("DELETE FROM events WHERE arrival > 12")
        connection.execute("DELETE FROM spans")
        connection.commit()

    with pytest.raises(WrongSettings, match="not empty"):
        copy(sqlite_url, target)
    assert all(report.is_equal for report in copy(sqlite_url, target, into_existing=True).values())

    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        connection.execute("UPDATE calls SET model = 'another' WHERE request_id = 'r3'")
        connection.commit()
    reports = copy(sqlite_url, target, into_existing=True)
    assert ["calls"] == [name for name, report in reports.items() if not report.is_equal]
    assert 1 == run_command(["db", "copy", "--from", sqlite_url, "--to", target, "--into-existing", "--json"])


def test_a_target_in_use_and_the_source_itself_are_refused(sqlite_url: str, tmp_path: Path):
    """
    A collector owns its file; and a copy onto itself would be nothing.
    """
    fill(sqlite_url, calls=1)
    target = f"sqlite:///{tmp_path}/used.db"
    copy(sqlite_url, target)
    store = open_store(target, settle_ms=0)
    with pytest.raises(StoreLocked):
        copy(sqlite_url, target, into_existing=True)
    store.close()
    with pytest.raises(WrongSettings, match="same database"):
        copy(sqlite_url, sqlite_url)


def test_a_source_in_use_is_one_snapshot(sqlite_url: str, tmp_path: Path):
    """
    What comes in while a copy runs is in no table of it.
    """
    fill(sqlite_url, calls=3)
    store = open_store(sqlite_url, settle_ms=0)

    def meanwhile(table: str, what: str, done: int, total: int) -> None:
        append(store, event(f"new-{table}-{what}-{done}", request_id="new"))

    reports = copy_database(sqlite_url, f"sqlite:///{tmp_path}/copy.db", into_existing=False, told=meanwhile)
    store.close()

    assert all(report.is_equal for report in reports)
    assert 0 == count(f"sqlite:///{tmp_path}/copy.db", "SELECT count(*) FROM events WHERE request_id = 'new'")


@settings(max_examples=30)
@given(
    st.lists(
        st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(), st.binary(), st.floats()), max_size=5
    )
)
def test_equal_rows_have_equal_hashes_and_others_have_not(values: list[object]):
    """
    A number counts by its value, whatever it is kept as; a value that moves to the next column is another row.
    """
    same = [float(value) if type(value) is int and int(float(value)) == value else value for value in values]

    assert row_hash(values) == row_hash(same)
    assert row_hash([*values, None]) != row_hash([None, *values]) or all(value is None for value in values)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_backup_while_serving(engine: str, request: pytest.FixtureRequest, tmp_path: Path):
    """
    A whole database in one file that only its owner can read; SQLite's opens at once.
    """
    url = request.getfixturevalue(f"{engine}_url")
    fill(url, calls=5)
    store = open_store(url, settle_ms=0)
    append(store, event("only-in-the-log", request_id=None))

    made = back_up(url, tmp_path / "backup")
    store.close()

    assert 0o600 == made.path.stat().st_mode & 0o777
    assert made.bytes > 1_000
    if engine == "sqlite":
        copied = f"sqlite:///{tmp_path}/backup"
        assert query(url, "SELECT event_id FROM events ORDER BY 1") == query(copied, "SELECT event_id FROM events ORDER BY 1")
    else:
        assert made.path.read_bytes().startswith(b"PGDMP")
    with pytest.raises(WrongSettings, match="exists"):
        back_up(url, tmp_path / "backup")


def test_backup_that_fails_leaves_no_file(tmp_path: Path):
    """
    Nobody takes half a copy for a whole one; and a password is in no message.
    """
    url = "postgresql+psycopg://nobody:secret-word@127.0.0.1:1/none"
    with pytest.raises(StoreError) as failed:
        back_up(url, tmp_path / "backup")

    assert "secret-word" not in str(failed.value)
    assert [] == list(tmp_path.iterdir())


def test_vacuum_frees_what_was_removed(sqlite_url: str):
    """
    The file shrinks, beside a writer that goes on.
    """
    store = open_store(sqlite_url, settle_ms=0)
    append(store, *(event(f"e{n}", request_id=None, payload={"text": "x" * 5_000}) for n in range(200)))
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        connection.execute("DELETE FROM events WHERE event_id <> 'e1'")
        connection.commit()

    before, after = store.vacuum()
    append(store, event("later", request_id=None))
    store.close()

    assert after < before / 4
    assert 2 == count(sqlite_url, "SELECT count(*) FROM events")
