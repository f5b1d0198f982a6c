"""
An SQLite database as files: its folder, its connections, its lock and its backup.

Flow: sqlite.py, schema.py -> **sqlite_files** -> the disk.
One process owns a database; an OS lock on a file beside it keeps it so and dies with the process.
"""

import contextlib
import fcntl
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import NullPool, Pool, QueuePool

from collector.errors import StoreLocked, StoreUnavailable, WrongSettings
from collector.storage.sqlite_inserts import cursor_of

READER_WAIT_S = 5.0
_READERS = 8


def path_of(url: str) -> Path:
    """The database file that a URL names. Raises WrongSettings for one in memory."""
    database = make_url(url).database
    if not database or database == ":memory:":
        raise WrongSettings("HOOKLINE_DATABASE_URL: SQLite needs a file, for example sqlite:////var/lib/hookline/hookline.db")
    return Path(database).absolute()


def make_file(path: Path) -> None:
    """An empty database that only its owner can read, in a folder that only its owner can enter. Raises WrongSettings."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as exc:
        raise _unusable(path, exc) from None


def _unusable(path: Path, exc: OSError) -> WrongSettings:
    return WrongSettings(f"HOOKLINE_DATABASE_URL: {path} can't be opened for writing ({exc.strerror}): name another place")


def check_access(path: Path, *, writes: bool) -> None:
    """That this user may use the database's files. Raises WrongSettings: SQLite would say so at the first page it touches."""
    files = [path.with_name(path.name + ending) for ending in ("", "-wal", "-shm")]
    wanted = os.R_OK | os.W_OK if writes else os.R_OK
    refused = [file for file in files if file.exists() and not os.access(file, wanted)]
    if writes and not os.access(path.parent, os.W_OK | os.X_OK):
        refused.append(path.parent)
    if refused:
        what = "written" if writes else "read"
        raise WrongSettings(
            f"HOOKLINE_DATABASE_URL: {refused[0]} can't be {what} by this user: mend its owner or mode, or name another place"
        )


class FileLock:
    """Held from construction to `release`; the file names its holder. Raises StoreLocked when somebody else holds it."""

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + ".lock")
        try:
            self._fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise _unusable(path, exc) from None
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._fd, 500, 0).decode(errors="replace").strip() or "another process"
            os.close(self._fd)
            raise StoreLocked(
                f"{database} belongs to {holder}: stop it, or point HOOKLINE_DATABASE_URL at another database"
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"process {os.getpid()} ({Path(sys.argv[0]).name or 'python'})\n".encode(), 0)

    def release(self) -> None:
        """Let the next process in. The file stays: removing it would let two processes lock two files of one name."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, 0)
            os.close(self._fd)


class Presence:
    """
    Whether a database's files are still those that were opened.

    SQLite goes on writing to files that were removed or replaced, and says that all is well: what it commits then is gone
    with the process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wal = path.with_name(path.name + "-wal")
        self._seen = {path: _identity(path)}
        self._is_log_gone = False

    def opened_anew(self) -> None:
        """A new writing connection may have made a new log."""
        self._seen.pop(self._wal, None)

    def check(self) -> None:
        """Raises StoreUnavailable. A database that is put back is fine again, a lost log never is."""
        if self._is_log_gone or _identity(self._path) != self._seen[self._path]:
            raise StoreUnavailable(f"{self._path} was removed or replaced under the running collector: put it back, or restart")
        found = _identity(self._wal)
        known = self._seen.setdefault(self._wal, found) if found is not None else self._seen.get(self._wal)
        if found != known:
            self._is_log_gone = True
            self.check()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def writer_engine(path: Path) -> Engine:
    """Connections that may write; transactions take the write lock at their start."""
    engine = _engine(path, "rw", NullPool, pragmas=_WRITER_PRAGMAS)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        # By the driver: a small transaction's share of SQLAlchemy is larger than SQLite's.
        cursor_of(connection).execute("BEGIN IMMEDIATE")

    return engine


def reader_engine(path: Path) -> Engine:
    """A pool of connections that cannot write, each transaction one snapshot."""
    engine = _engine(path, "ro", QueuePool, pragmas=("PRAGMA query_only = ON", "PRAGMA cache_size = -4000"))

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.exec_driver_sql("BEGIN")

    return engine


def back_up(path: Path, label: str) -> Path:
    """A consistent copy beside the database, by SQLite's own backup; `label` tells its revision."""
    target = path.with_name(f"{path.name}.before-upgrade-of-{label}")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.before-upgrade-of-{label}.{number}")
    # Under its name there is only ever a whole copy, whenever the process dies.
    unfinished = target.with_name(target.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_RDWR, 0o600))
    with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(unfinished)) as copy:
        source.backup(copy)
    unfinished.rename(target)
    return target


# page_size and the journal have to come before the first table; the checkpoint distance keeps single commits short.
_WRITER_PRAGMAS = (
    "PRAGMA page_size = 8192",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    # Eight times as much is no faster at a million rows: ids grow with time, so what is written lies together.
    "PRAGMA cache_size = -8000",
    "PRAGMA wal_autocheckpoint = 4000",
    *(("PRAGMA fullfsync = ON", "PRAGMA checkpoint_fullfsync = ON") if sys.platform == "darwin" else ()),
)


def _engine(path: Path, mode: str, pool: type[Pool], *, pragmas: tuple[str, ...]) -> Engine:
    def connect() -> sqlite3.Connection:
        # isolation_level None: the driver opens no transactions of its own, so BEGIN and SAVEPOINT are ours.
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=READER_WAIT_S, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in pragmas:
                connection.execute(pragma)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    if not path.exists():
        raise StoreUnavailable(f"there is no database at {path}: start `hookline serve`, which makes it")
    sizes: dict[str, Any] = {"pool_size": _READERS, "max_overflow": _READERS} if pool is QueuePool else {}
    return create_engine("sqlite://", hide_parameters=True, creator=connect, poolclass=pool, **sizes)
