"""
A store with two projects, on each engine in turn; one a module, because nothing here may change it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.storage.engines import open_store
from collector.storage.protocols import Store
from collector.storage.schema import prepare
from tests.collector.security.databases import fill


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """
    The URL of an empty database.
    """
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('security') / 'hookline.db'}"
    server = request.getfixturevalue("postgres_server")
    return str(server.url(server.new_database()))


@pytest.fixture(scope="module")
def store(database_url: str) -> Iterator[Store]:
    """
    Projects `a` and `b`, and a key.
    """
    prepare(database_url)
    opened = open_store(database_url, settle_ms=0)
    fill(opened, "a", "b")
    opened.add_key(project="b", name="SECRETOFB", scopes=("read",), key_hash="SECRETOFB-hash", now_ms=0)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def engine(database_url: str) -> str:
    """
    Which engine it is.
    """
    return database_url.partition(":")[0].partition("+")[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """
    Where a statement might try to write: everybody may.
    """
    tmp_path.chmod(0o777)
    return tmp_path
