"""
Brings a database to the schema that this code needs, or says in words why not.

Flow: `serve`, `hookline db …` -> **schema** -> migrations/ ; `engines.open_store` comes after.
SQLite is upgraded by itself, after a backup beside it; PostgreSQL belongs to a team, so only `hookline db upgrade` changes it.
Alembic is imported where something has to be changed: a server that finds its schema in order does without its 10 MB.
"""

import re
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

import collector
from collector.errors import SchemaOutdated, SchemaTooNew
from collector.storage import sqlite
from collector.storage.engines import check_url

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

_NAMES = re.compile(r'^(revision|down_revision) = "(\w+)"', re.MULTILINE)


def _enter_postgresql(url: str, *, may_create: bool) -> AbstractContextManager[Connection | None]:
    from collector.storage import postgresql

    return postgresql.enter_schema(url, may_create=may_create)


ENTER = {"sqlite": sqlite.enter_schema, "postgresql": _enter_postgresql}
"""By the URL's backend: a context that gives a connection which holds the schema's lock."""


def scripts_folder() -> Path:
    """Where the migrations are: inside the package when installed, beside it in a checkout."""
    package = Path(collector.__file__).parent
    shipped = package / "migrations"
    return shipped if shipped.is_dir() else package.parent / "migrations"


def head(*, scripts: Path | None = None) -> str:
    """The revision that this code needs."""
    written = [_NAMES.findall(path.read_text()) for path in (scripts or scripts_folder()).glob("versions/*.py")]
    named = [dict(names) for names in written]
    older = {names.get("down_revision") for names in named}
    heads = [names["revision"] for names in named if "revision" in names and names["revision"] not in older]
    # Of branches Alembic says what is wrong with them.
    return heads[0] if len(heads) == 1 else _script(scripts).get_current_head() or ""


def current(url: str) -> str | None:
    """The revision of the database, None where it has no tables of ours (or does not exist)."""
    with _entered(url, may_create=False) as connection:
        return None if connection is None else _revision(connection)


def prepare(url: str, *, scripts: Path | None = None) -> None:
    """
    Make the database fit, at the server's start.

    Empty: the schema is created. Older: SQLite is upgraded after a backup, PostgreSQL raises SchemaOutdated.
    Newer: SchemaTooNew. Two that start at once wait for each other or, on SQLite, the second raises StoreLocked.
    """
    with _entered(url, may_create=False) as connection:
        found = None if connection is None else _revision(connection)
    needed = head(scripts=scripts)
    if found == needed:
        return
    if found is not None:
        _refuse_newer(found, scripts)
        if backend_of(url) != "sqlite":
            raise SchemaOutdated(f"the database is at revision {found}, this hookline needs {needed}: run `hookline db upgrade`")
    upgrade(url, scripts=scripts)


def upgrade(url: str, *, scripts: Path | None = None, to: str = "head") -> None:
    """Run the missing migrations, up to a revision, in one transaction, under the schema's lock; SQLite with a backup first."""
    with _entered(url, may_create=True) as connection:
        assert connection is not None
        found = _revision(connection)
        if found == head(scripts=scripts):
            return
        if found is not None:
            _refuse_newer(found, scripts)
            if backend_of(url) == "sqlite":
                sqlite.back_up(url, label=found)
        _migrate(connection, scripts, to)


def backend_of(url: str) -> str:
    """`sqlite` or `postgresql`, of a URL with or without a driver's name."""
    return url.partition(":")[0].partition("+")[0]


@contextmanager
def _entered(url: str, *, may_create: bool) -> Generator[Connection | None]:
    check_url(url)
    with ENTER[backend_of(url)](url, may_create=may_create) as connection:
        yield connection


def _script(scripts: Path | None) -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config(scripts))


def _config(scripts: Path | None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts or scripts_folder()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _refuse_newer(found: str, scripts: Path | None) -> None:
    known = {revision.revision for revision in _script(scripts).walk_revisions()}
    if found not in known:
        raise SchemaTooNew(
            f"the database is at revision {found}, which this hookline does not know: it was written by a newer one. "
            "Install that version, or point HOOKLINE_DATABASE_URL at another database."
        )


def _migrate(connection: Connection, scripts: Path | None, to: str) -> None:
    from alembic import command

    config = _config(scripts)
    config.attributes["connection"] = connection
    command.upgrade(config, to)
