"""
Copy a whole database into another one, of the same or the other engine, and prove that both hold the same.

Flow: `hookline db copy` -> **copying** -> two databases.
Rows go in batches in the order of each table's key, read from one snapshot, written with their keys as they are, so that a copy
that broke off can be run again. A table's checksum is the sum of its rows' hashes: it needs no order, which engines don't share.
"""

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, make_url, select, text, tuple_
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from collector.errors import StoreError, StoreUnavailable, WrongSettings
from collector.storage import schema, sqlite_files
from collector.storage.engines import check_url
from collector.storage.tables import metadata
from collector.storage.upserts import insert

ROWS_AT_ONCE = 1_000
_BIG_ROWS_AT_ONCE = 20
"""Of tables whose rows may have megabytes."""
_BIG = frozenset({"blobs"})
_HASH_BYTES = 16
_SEQUENCES = {"events": "arrival", "exports": "export_id"}

_OF_ONE_DATABASE = frozenset({"collectors", "receipts"})
"""Who is running, and which requests came lately: nobody repeats a request of the old address at the new one."""

COPIED = tuple(table for table in metadata.sorted_tables if table.name not in _OF_ONE_DATABASE)

Told = Callable[[str, str, int, int], None]
"""table, "copy" or "check", rows done, rows in all"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReport:
    """One table, on both sides."""

    table: str
    source_rows: int
    target_rows: int
    source_checksum: str
    target_checksum: str

    @property
    def is_equal(self) -> bool:
        return (self.source_rows, self.source_checksum) == (self.target_rows, self.target_checksum)


def copy_database(source_url: str, target_url: str, *, into_existing: bool, told: Told) -> list[TableReport]:
    """
    Copy every table; what both sides hold in the end. Raises WrongSettings, SchemaError, StoreError.

    The target gets its schema here and must be empty, unless `into_existing`: then rows that are there stay.
    """
    check_url(source_url)
    check_url(target_url)
    if _place_of(source_url) == _place_of(target_url):
        raise WrongSettings("--from and --to name the same database: nothing to copy")
    _require_same_schema(source_url)
    schema.prepare(target_url)
    with _reading(source_url) as source, _writing(target_url) as target:
        if not into_existing:
            _require_empty(target)
        reports = [_copy_table(source, target, table, told) for table in COPIED]
        _go_on_numbering(target)
    return reports


def _place_of(url: str) -> object:
    if url.startswith("sqlite"):
        return sqlite_files.path_of(url).resolve()
    parts = make_url(url)
    return (parts.host, parts.port, parts.database)


def _require_same_schema(source_url: str) -> None:
    found, needed = schema.current(source_url), schema.head()
    if found is None:
        raise WrongSettings("--from: there is no hookline database")
    if found != needed:
        raise StoreError(f"--from is at revision {found}, this hookline needs {needed}: run `hookline db upgrade` on it first")


@contextmanager
def _reading(url: str) -> Generator[Connection]:
    """One snapshot, however long it takes, of a database that others may be writing to."""
    if url.startswith("sqlite"):
        engine = sqlite_files.reader_engine(sqlite_files.path_of(url))
    else:
        engine = _postgresql(url).execution_options(isolation_level="REPEATABLE READ")
    with _translated("--from"), engine.connect() as connection, connection.begin():
        yield connection
    engine.dispose()


@contextmanager
def _writing(url: str) -> Generator[Connection]:
    """A connection that commits batch by batch; an SQLite file is locked, since it belongs to one process."""
    lock = None
    if url.startswith("sqlite"):
        path = sqlite_files.path_of(url)
        lock, engine = sqlite_files.FileLock(path), sqlite_files.writer_engine(path)
    else:
        engine = _postgresql(url)
    try:
        with _translated("--to"), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
        if lock is not None:
            lock.release()


def _postgresql(url: str) -> Engine:
    from collector.storage.postgresql_connections import connections_to

    return connections_to(url, "")


@contextmanager
def _translated(side: str) -> Generator[None]:
    try:
        yield
    except (DBAPIError, SQLAlchemyError) as exc:
        raise StoreUnavailable(
            f"{side}: the database refused ({type(exc).__name__}); run the copy again with --into-existing"
        ) from exc


def _require_empty(target: Connection) -> None:
    with target.begin():
        full = [table.name for table in COPIED if target.execute(select(table).limit(1)).first() is not None]
    if full:
        raise WrongSettings(f"--to is not empty ({', '.join(full)}): name an empty database, or go on with --into-existing")


def _copy_table(source: Connection, target: Connection, table: Table, told: Told) -> TableReport:
    total = source.execute(select(func.count()).select_from(table)).scalar_one()
    statement = insert(target.dialect.name, table).on_conflict_do_nothing()
    copied, checksum = 0, 0
    told(table.name, "copy", 0, total)
    for rows in _batches(source, table):
        with target.begin():
            target.execute(statement, [dict(row._mapping) for row in rows])  # pyright: ignore[reportPrivateUsage]
        checksum = _added(checksum, rows)
        copied += len(rows)
        told(table.name, "copy", copied, total)
    found, found_checksum = 0, 0
    with target.begin():
        for rows in _batches(target, table):
            found_checksum = _added(found_checksum, rows)
            found += len(rows)
            told(table.name, "check", found, total)
    return TableReport(
        table=table.name,
        source_rows=copied,
        target_rows=found,
        source_checksum=_shown(checksum),
        target_checksum=_shown(found_checksum),
    )


def _batches(connection: Connection, table: Table) -> Iterator[Sequence[Any]]:
    """All rows, a batch at a time, each behind the last key: nothing grows with the table."""
    key = list(table.primary_key.columns)
    limit = _BIG_ROWS_AT_ONCE if table.name in _BIG else ROWS_AT_ONCE
    page = select(table).order_by(*key).limit(limit)
    rows = connection.execute(page).all()
    while rows:
        yield rows
        if len(rows) < limit:
            return
        place = [getattr(rows[-1], column.name) for column in key]
        rows = connection.execute(page.where(tuple_(*key) > tuple_(*place))).all()


def row_hash(values: Sequence[Any]) -> int:
    """The hash of a row, the same on every engine: kind and text of each value, a number's by its value."""
    digest = hashlib.blake2b(digest_size=_HASH_BYTES)
    for value in values:
        kind, data = _canonical(value)
        digest.update(b"%c%d:" % (kind, len(data)))
        digest.update(data)
    return int.from_bytes(digest.digest())


def _canonical(value: Any) -> tuple[bytes, bytes]:
    match value:
        case None:
            return b"n", b""
        case bool():
            return b"b", b"1" if value else b"0"
        case int():
            return b"i", str(value).encode()
        case float():
            # Where one engine keeps -0.0 the other may keep 0.
            return b"i" if value.is_integer() else b"f", (str(int(value)) if value.is_integer() else repr(value)).encode()
        case str():
            return b"s", value.encode("utf-8", "surrogatepass")
        case _:
            return b"x", bytes(value)


def _added(checksum: int, rows: Sequence[Any]) -> int:
    return (checksum + sum(row_hash(tuple(row)) for row in rows)) % (1 << (8 * _HASH_BYTES))


def _shown(checksum: int) -> str:
    return f"{checksum:0{2 * _HASH_BYTES}x}"


def _go_on_numbering(target: Connection) -> None:
    """PostgreSQL: numbers go on behind the copied ones."""
    if target.dialect.name != "postgresql":
        return
    with target.begin():
        for table, column in _SEQUENCES.items():
            highest = f"(SELECT max({column}) FROM {table})"  # noqa: S608 - our own names
            target.execute(text(f"SELECT setval('{table}_{column}_seq', {highest}) WHERE {highest} IS NOT NULL"))
