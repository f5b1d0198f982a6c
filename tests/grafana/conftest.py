"""
A filled database of each engine, made once: the demo takes seconds.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from collector.storage import schema
from collector.storage.copying import copy_database
from tests.fakes.postgres import PostgresServer, find_binaries
from tests.grafana.databases import add_trouble, grant_reader, run_demo


@pytest.fixture(scope="session")
def filled_databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """
    URL by engine, of databases with the demo's events and some trouble; PostgreSQL's is a copy, for a demo takes seconds.
    """
    urls = {"sqlite": f"sqlite:///{tmp_path_factory.mktemp('grafana') / 'hookline.db'}"}
    if find_binaries() is not None:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        urls["postgresql"] = server.url(server.new_database())
    for url in urls.values():
        schema.prepare(url)
    run_demo(urls["sqlite"])
    if "postgresql" in urls:
        copy_database(urls["sqlite"], urls["postgresql"], into_existing=False, told=lambda *_: None)
    for url in urls.values():
        add_trouble(url)
    return urls


@pytest.fixture(scope="session")
def filled_sqlite(filled_databases: Mapping[str, str]) -> str:
    """
    The URL of the filled SQLite database.
    """
    return filled_databases["sqlite"]


@pytest.fixture(scope="session")
def filled_postgresql(filled_databases: Mapping[str, str], postgres_server: PostgresServer) -> str:
    """
    The URL of the filled PostgreSQL, as the role sees it that Grafana reads with. Skips where there is none.
    """
    return grant_reader(filled_databases["postgresql"])


@pytest.fixture(params=["sqlite", "postgresql"])
def filled_url(request: pytest.FixtureRequest) -> str:
    """
    The URL of a filled database, of each engine in turn.
    """
    return str(request.getfixturevalue(f"filled_{request.param}"))


@pytest.fixture(scope="session")
def grafana_folder() -> Path:
    """
    The folder with what Grafana reads.
    """
    return Path(__file__).parents[2] / "grafana"
