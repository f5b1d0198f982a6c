"""
A copy of a database that is in use.

Flow: `hookline db backup` -> **back_up** -> a new file.
SQLite makes it itself, from one snapshot; of PostgreSQL it is what pg_dump makes, which has to be as new as the server.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url

from collector.errors import StoreError, StoreUnavailable, WrongSettings
from collector.storage import sqlite_files
from collector.storage.engines import check_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A copy that was made."""

    path: Path
    bytes: int
    how: str


def back_up(url: str, target: Path) -> Backup:
    """A whole and consistent copy at a new path, while others read and write. Raises WrongSettings, StoreError."""
    scheme = check_url(url)
    if target.exists():
        raise WrongSettings(f"{target} exists: name a new file, a backup is never written over")
    if not target.parent.is_dir():
        raise WrongSettings(f"{target.parent} is no folder: make it first")
    return _back_up_sqlite(url, target) if scheme == "sqlite" else _back_up_postgresql(make_url(url), target)


def _back_up_sqlite(url: str, target: Path) -> Backup:
    path = sqlite_files.path_of(url)
    if not path.exists():
        raise StoreUnavailable(f"there is no database at {path}")
    # Made first, so that nobody else may read it from the first byte on.
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as source:
            source.execute("VACUUM INTO ?", (str(target),))
        with contextlib.closing(sqlite3.connect(target)) as copy:
            (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise StoreError(f"the copy is not sound ({verdict}): look at the disk, and try again")
        _sync(target)
    except (sqlite3.Error, StoreError) as exc:
        target.unlink(missing_ok=True)
        if isinstance(exc, StoreError):
            raise
        raise StoreUnavailable(f"{path} could not be copied ({exc}): is there room at {target.parent}?") from exc
    return Backup(path=target, bytes=target.stat().st_size, how="SQLite, VACUUM INTO")


def _sync(path: Path) -> None:
    for name in (path, path.parent):
        file = os.open(name, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def pg_dump_command(url: URL, target: Path) -> list[str]:
    """What makes a copy of a PostgreSQL database. The password is no part of it: others may see commands."""
    options = [("--host", url.host), ("--port", url.port), ("--username", url.username), ("--dbname", url.database)]
    given = [f"{name}={value}" for name, value in options if value is not None]
    return ["pg_dump", "--format=custom", "--no-owner", f"--file={target}", *given]


def _back_up_postgresql(url: URL, target: Path) -> Backup:
    command = pg_dump_command(url, target)
    shown = " ".join(command)
    if shutil.which(command[0]) is None:
        raise StoreUnavailable(f"pg_dump is not on this machine. Where it is (as new as the server): {shown}")
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    environment = {**os.environ, **({"PGPASSWORD": url.password} if url.password else {}), "PGCONNECT_TIMEOUT": "10"}
    # A fixed program; what comes from the URL is an argument of its own each, behind `--name=`.
    done = subprocess.run(  # noqa: S603
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        target.unlink(missing_ok=True)
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise StoreUnavailable(f"pg_dump failed: {said[-1] if said else 'no word why'}. It was: {shown}")
    return Backup(path=target, bytes=target.stat().st_size, how="pg_dump; `pg_restore --dbname=… FILE` brings it back")
