"""
How a database comes to its schema: created, upgraded, refused; and that migrations and tables say the same.
"""

import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from collector.errors import SchemaOutdated, SchemaTooNew, StoreLocked, StoreUnavailable
from collector.storage import schema
from collector.storage.engines import open_store
from collector.storage.tables import metadata
from tests.end_to_end.database import count
from tests.fakes.postgres import PostgresServer
from tests.fakes.stored import append, event

NEXT = '''
"""One column more."""
import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("note", sa.Text()))
    {then}
'''


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """
    The URL of a database that has nothing, on each engine.
    """
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/folder/hookline.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.url(server.new_database())


def next_version(folder: Path, then: str = "pass") -> Path:
    """Our migrations and one more: the hookline of tomorrow."""
    scripts = folder / "migrations"
    shutil.copytree(schema.scripts_folder(), scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "9000_next.py").write_text(NEXT.format(head=schema.head(), then=then))
    return scripts


def is_ours(name: str | None, kind: str, parents: Any) -> bool:
    """Whether a thing in the database is one that `tables.py` speaks of: partitions are PostgreSQL's affair."""
    return not (kind == "table" and str(name).startswith("events_"))


def is_everywhere(_: Any, name: str | None, *__: Any) -> bool:
    """Whether a thing is the same on both engines; what is not has a test of its own (`test_identity_by_hash`)."""
    return name != "events_identity"


COMPARED: dict[str, Any] = {
    "compare_type": True, "compare_server_default": True, "include_name": is_ours, "include_object": is_everywhere,
}  # fmt: skip


def test_empty_database_gets_the_schema(empty_url: str):
    """
    Created once, and left alone the second time.
    """
    assert schema.current(empty_url) is None

    schema.prepare(empty_url)
    schema.prepare(empty_url)

    assert schema.head() == schema.current(empty_url)
    store = open_store(empty_url, settle_ms=0)
    assert 1 == append(store, event("e1")).accepted
    store.close()


def test_migrations_build_exactly_the_tables(store_url: str):
    """
    What the migrations made differs in nothing from `tables.py`.
    """
    with create_engine(store_url).connect() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection, opts=COMPARED), metadata)


def test_older_sqlite_is_upgraded_after_a_backup(sqlite_url: str, tmp_path: Path):
    """
    The new column is there, the rows are kept, and the copy beside it is the old database, for its owner's eyes.
    """
    store = open_store(sqlite_url, settle_ms=0)
    append(store, event("e1"))
    store.close()
    old = schema.current(sqlite_url)

    schema.prepare(sqlite_url, scripts=next_version(tmp_path))

    assert "9000" == schema.current(sqlite_url)
    assert 1 == count(sqlite_url, "SELECT count(*) FROM events")
    (backup,) = tmp_path.glob("hookline.db.before-upgrade-of-*")
    assert old == schema.current(f"sqlite:///{backup}")
    assert 1 == count(f"sqlite:///{backup}", "SELECT count(*) FROM events")
    assert 0o600 == stat.S_IMODE(backup.stat().st_mode)


def test_failed_upgrade_changes_nothing(store_url: str, tmp_path: Path):
    """
    A migration that fails half way leaves the database as it was.
    """
    scripts = next_version(tmp_path, then='op.execute("SELECT * FROM nowhere")')

    with pytest.raises(Exception, match="nowhere"):
        schema.upgrade(store_url, scripts=scripts)

    assert schema.head() == schema.current(store_url)
    with create_engine(store_url).connect() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection, opts=COMPARED), metadata)


def test_older_postgresql_is_upgraded_only_when_told(postgres_server: PostgresServer, tmp_path: Path):
    """
    The start is refused, naming the command; the command upgrades.
    """
    url = postgres_server.url(postgres_server.new_database())
    schema.prepare(url)
    scripts = next_version(tmp_path)

    with pytest.raises(SchemaOutdated, match="hookline db upgrade"):
        schema.prepare(url, scripts=scripts)
    schema.upgrade(url, scripts=scripts)

    assert "9000" == schema.current(url)


def test_newer_database_is_refused_in_words(empty_url: str, tmp_path: Path):
    """
    Yesterday's hookline does not touch tomorrow's database.
    """
    schema.upgrade(empty_url, scripts=next_version(tmp_path))

    for refused in (schema.prepare, schema.upgrade):
        with pytest.raises(SchemaTooNew, match="9000"):
            refused(empty_url)


def test_two_that_start_at_once_do_not_race(empty_url: str):
    """
    Both find the schema in the end, or the second is told who owns the file; none breaks on the other's tables.
    """
    errors: list[Exception] = []

    def start() -> None:
        try:
            schema.prepare(empty_url)
        except StoreLocked:
            pass
        except Exception as exc:
            errors.append(exc)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == errors
    assert schema.head() == schema.current(empty_url)


def test_upgrade_of_a_file_in_use_is_refused(sqlite_url: str, tmp_path: Path):
    """
    The collector that owns the file is named; nothing changes under its feet.
    """
    store = open_store(sqlite_url, settle_ms=0)

    with pytest.raises(StoreLocked, match="process"):
        schema.prepare(sqlite_url, scripts=next_version(tmp_path))
    store.close()


def test_new_sqlite_is_private(tmp_path: Path):
    """
    Folder and file are for their owner only: prompts are in there.
    """
    schema.prepare(f"sqlite:///{tmp_path}/data/hookline.db")

    assert 0o700 == stat.S_IMODE((tmp_path / "data").stat().st_mode)
    assert 0o600 == stat.S_IMODE((tmp_path / "data" / "hookline.db").stat().st_mode)
    with closing(sqlite3.connect(tmp_path / "data" / "hookline.db")) as connection:
        found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "journal_mode")]
    assert [8192, "wal"] == found


def test_postgresql_that_does_not_answer_is_unavailable():
    """
    An address where nobody listens is told as that, without the password.
    """
    with pytest.raises(StoreUnavailable) as caught:
        schema.prepare("postgresql+psycopg://me:secret@127.0.0.1:1/db")

    assert "secret" not in str(caught.value)
