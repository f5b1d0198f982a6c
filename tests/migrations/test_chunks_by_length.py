"""
The view `chunks` changes under what stands on it, and goes back to what it was.
"""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from collector.storage import schema
from tests.end_to_end.database import query
from tests.fakes.migrated import scripts_before
from tests.fakes.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """
    A database without a table, on each engine in turn.
    """
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/old.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.url(server.new_database())


def definition(url: str) -> Any:
    """The view as the database has it."""
    if url.startswith("sqlite"):
        return query(url, "SELECT sql FROM sqlite_schema WHERE name = 'chunks'")[0]["sql"].split()
    return query(url, "SELECT pg_get_viewdef('chunks'::regclass) AS sql")[0]["sql"]


def test_views_of_users_stay_and_the_way_back_leads_back(empty_url: str, tmp_path: Path) -> None:
    """
    A view on `chunks` goes on working both ways, and what 0002 made is there again afterwards.
    """
    schema.prepare(empty_url, scripts=scripts_before("0014", tmp_path))
    before = definition(empty_url)
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE VIEW mine AS SELECT request_id, count(*) AS pieces FROM chunks GROUP BY request_id"))

    schema.upgrade(empty_url)

    assert before != definition(empty_url)
    assert [] == query(empty_url, "SELECT * FROM mine")
    config = Config()
    config.set_main_option("script_location", str(schema.scripts_folder()))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0013")
    engine.dispose()
    assert before == definition(empty_url)
    assert [] == query(empty_url, "SELECT * FROM mine")
