"""
How long an upgrade of a large database takes: `python -m benchmarks.migrations --calls 300000`, on both engines.

Fills a database of an older revision (rows that the collector of today makes, with the columns that there were), then lets the
upgrade run as `hookline serve` and `hookline db upgrade` do.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, func, insert, literal, select

from benchmarks import big_database
from collector.storage import schema, sqlite
from collector.storage.tables import metadata
from tests.fakes.postgres import PostgresServer, find_binaries

OLDEST = "0005"
"""The revision of the first release."""
COPIED = tuple(table.name for table in big_database.COPIED)


def fill_old(
    url: str, *, revision: str, total_calls: int, templates: int, say: Callable[[str], None] = lambda text: None
) -> None:
    """An older database with many calls."""
    schema.upgrade(url, to=revision)
    with tempfile.TemporaryDirectory() as folder:
        new_url = f"sqlite:///{folder}/new.db"
        big_database.fill_templates(new_url, templates=templates)
        source, target = create_engine(new_url), create_engine(url)
        old = MetaData()
        old.reflect(target)
        for table in (one for one in metadata.sorted_tables if one.name in old.tables):
            _transfer(source, target, table, old.tables[table.name])
        say(f"{templates} calls at revision {revision}")
        with target.begin() as connection:
            for name in COPIED:
                big_database.copy_rows(connection, old.tables[name], total_calls // templates - 1)
                say(f"{name}: {connection.scalar(select(func.count()).select_from(old.tables[name])):,} rows")
            _send_all(connection, old.tables["spans"], old.tables["exports"])
        target.dispose()
        source.dispose()


def _transfer(source: Engine, target: Engine, table: Table, old: Table) -> None:
    """The rows of a table, with those columns that the older one has; what it numbers itself is left to it."""
    names = [name for name in table.c.keys() if name in old.c and name not in {"arrival", "export_id"}]  # noqa: SIM118
    with source.connect() as reading, target.begin() as writing:
        rows = [dict(row._mapping) for row in reading.execute(select(*(table.c[name] for name in names)))]
        if rows and not writing.scalar(select(func.count()).select_from(old)):
            writing.execute(insert(old), rows)


def _send_all(connection: Connection, spans: Table, exports: Table) -> None:
    """The outbox as it is when each span was sent."""
    same = {"project": "project", "span": "span_id", "trace_id": "trace_id", "request_id": "request_id"}
    given = {"destination": "otlp", "state": "done", "next_at": 1, "resource_id": "r", "is_final": True, "queued_ms": 1}
    values = [spans.c[name] for name in same.values()] + [literal(value) for value in given.values()]
    connection.execute(insert(exports).from_select([*same, *given], select(*values)))


def measure(url: str) -> dict[str, Any]:
    """Seconds of the upgrade to this code's revision; on SQLite without its backup, which is told apart."""
    told: dict[str, Any] = {"from": schema.current(url), "to": schema.head()}
    if schema.backend_of(url) == "sqlite":
        began_s = time.perf_counter()
        copy = sqlite.back_up(url, label="measured")
        told |= {"backup_s": round(time.perf_counter() - began_s, 2), "megabytes": round(copy.stat().st_size / 1e6)}
        copy.unlink()
    began_s = time.perf_counter()
    schema.upgrade(url)
    told["upgrade_s"] = round(time.perf_counter() - began_s - told.get("backup_s", 0.0), 2)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description="time the upgrade of a large database")
    parser.add_argument("--calls", type=int, default=300_000)
    parser.add_argument("--engine", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--revision", default=OLDEST, help="where the database is before")
    asked = parser.parse_args()
    if asked.engine != "postgresql":
        folder = Path(tempfile.mkdtemp(prefix="hookline-migrations-"))
        try:
            _run(f"sqlite:///{folder}/big.db", asked)
        finally:
            shutil.rmtree(folder)
    if asked.engine != "sqlite":
        binaries = find_binaries()
        assert binaries is not None, "no PostgreSQL binaries"
        # As a server is that somebody's data depends on.
        server = PostgresServer(binaries, options="-c shared_buffers=128MB")
        try:
            _run(server.url(server.new_database()), asked)
        finally:
            server.stop()


def _run(url: str, asked: argparse.Namespace) -> None:
    fill_old(url, revision=asked.revision, total_calls=asked.calls, templates=big_database.TEMPLATES, say=print)
    print(json.dumps({"engine": schema.backend_of(url), **measure(url)}), flush=True)


if __name__ == "__main__":
    main()
