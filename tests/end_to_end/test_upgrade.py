"""
Old code and new databases, new code and old databases, and an upgrade that is interrupted.
"""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from benchmarks.migrations import OLDEST, fill_old
from collector.storage import schema
from collector.storage.engines import open_store
from tests.end_to_end.database import count
from tests.end_to_end.kills.nursery import Nursery
from tests.end_to_end.processes import wait_for
from tests.fakes.bench import Bench
from tests.fakes.postgres import PostgresServer
from tests.fakes.stored import append, event

SLOW = '''
"""Changes everything, and takes its time before it is done."""
import time
from pathlib import Path

from alembic import op
import sqlalchemy as sa

revision = "9000"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("events", sa.Column("note", sa.Text()))
    op.execute("UPDATE events SET note = type, project = 'changed'")
    op.execute("DELETE FROM calls")
    Path("{mark}").touch()
    time.sleep({pause_s})
'''


def mark_newer(url: str) -> None:
    """As a later hookline would leave it."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()


def hookline(command: str, url: str, folder: Path, nursery: Nursery) -> tuple[int, str]:
    """Run a command on a database; its exit code and what it said."""
    log = folder / f"{command.replace(' ', '-')}.log"
    environment = {"HOOKLINE_DATABASE_URL": url, "HOOKLINE_PORT": "0"}
    child = nursery.start("command", environment=environment, log_path=log, arguments=command.split())
    return child.wait(), log.read_text()


@pytest.fixture
def own_url(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> str:
    """
    The URL of a database of its own, without tables: the shared one must not change its schema.
    """
    if engine == "sqlite":
        return f"sqlite:///{tmp_path / 'own.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.url(server.new_database())


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def test_older_code_refuses_a_newer_database(own_url: str, tmp_path: Path, nursery: Nursery) -> None:
    """
    `serve` and `db upgrade` end with 2 and say what was found and what to do; nothing is changed.
    """
    schema.prepare(own_url)
    mark_newer(own_url)
    for command in ("serve", "db upgrade"):
        code, told = hookline(command, own_url, tmp_path, nursery)
        assert 2 == code, told
        assert "9999" in told
        assert "newer" in told
        assert "Traceback" not in told
    assert "9999" == schema.current(own_url)


@pytest.mark.parametrize("engine", ["postgresql"])
def test_newer_code_stops_at_an_older_postgresql(own_url: str, tmp_path: Path, nursery: Nursery) -> None:
    """
    Others may be using it: `serve` ends with 2 and names the command, which upgrades.
    """
    schema.upgrade(own_url, to=OLDEST)

    code, told = hookline("serve", own_url, tmp_path, nursery)
    assert 2 == code
    assert "hookline db upgrade" in told
    assert 0 == hookline("db upgrade", own_url, tmp_path, nursery)[0]
    assert schema.head() == schema.current(own_url)


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def test_an_upgrade_that_is_killed_changes_nothing(own_url: str, engine: str, tmp_path: Path, nursery: Nursery) -> None:
    """
    kill -9 after a migration's changes, before its end: the database is as it was, the backup whole, and the next try works.
    """
    schema.prepare(own_url)
    store = open_store(own_url, settle_ms=0)
    append(store, event("e1"))
    store.close()
    scripts, mark = tmp_path / "migrations", tmp_path / "half-way"
    shutil.copytree(schema.scripts_folder(), scripts, ignore=shutil.ignore_patterns("__pycache__"))
    slow = scripts / "versions" / "9000_slow.py"
    slow.write_text(SLOW.format(head=schema.head(), mark=mark, pause_s=60))
    child = nursery.start("upgrade", environment={}, log_path=tmp_path / "log", arguments=(own_url, str(scripts)))
    wait_for("the upgrade to be half way", mark.exists, limit_s=60)
    child.kill()

    assert schema.head() == schema.current(own_url)
    assert 1 == count(own_url, "SELECT count(*) FROM events WHERE project = 'p'")
    store = open_store(own_url, settle_ms=0)
    assert 1 == append(store, event("e2")).accepted
    store.close()
    if engine == "sqlite":
        (backup,) = tmp_path.glob("own.db.before-upgrade-of-*")
        assert 1 == count(f"sqlite:///{backup}", "SELECT count(*) FROM events")
    slow.write_text(SLOW.format(head=schema.head(), mark=mark, pause_s=0))
    schema.upgrade(own_url, scripts=scripts)
    assert 2 == count(own_url, "SELECT count(*) FROM events WHERE note IS NOT NULL")


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def test_a_database_of_the_oldest_release_is_brought_up(own_url: str, engine: str) -> None:
    """
    Every row is kept, and calls can be assembled anew from the events that were there. `python -m benchmarks.migrations` does
    it with hundreds of thousands.
    """
    fill_old(own_url, revision=OLDEST, total_calls=12, templates=4)
    before = {name: count(own_url, f"SELECT count(*) FROM {name}") for name in ("events", "calls", "spans", "tool_calls")}

    schema.upgrade(own_url)

    assert schema.head() == schema.current(own_url)
    assert before == {name: count(own_url, f"SELECT count(*) FROM {name}") for name in before}
    assert before["calls"] == 12
    store = open_store(own_url, settle_ms=0)
    bench = Bench(store, [])
    assert 12 == store.mark_all_dirty(project=None, request_id=None, now_ms=bench.clock.now_ms())
    assert 12 <= bench.run()
    store.close()
    assert before == {name: count(own_url, f"SELECT count(*) FROM {name}") for name in before}
