"""
A database with media from before references were kept gets them when it is upgraded.
"""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from collector.storage import schema
from tests.end_to_end.database import query
from tests.fakes.postgres import PostgresServer

SHA = "ab" * 32
EVENT = text(
    "INSERT INTO events (project, event_id, type, timestamp, received_at, service, clock, payload, dialect, resource_id)"
    " VALUES ('p', :id, 't', 5, 5, 's', 'sender', :payload, 'hookline', 'r')"
)


def before_keeping(folder: Path) -> Path:
    """The migrations up to the one before."""
    scripts = folder / "migrations"
    shutil.copytree(schema.scripts_folder(), scripts, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (scripts / "versions").glob("0*.py"):
        if file.name >= "0009":
            file.unlink()
    return scripts


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_references_of_media_that_are_there(engine: str, request: pytest.FixtureRequest, tmp_path: Path):
    """
    Each event that shows a picture has a reference, once; events without one have none.
    """
    if engine == "sqlite":
        url = f"sqlite:///{tmp_path}/old.db"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.url(server.new_database())
    schema.prepare(url, scripts=before_keeping(tmp_path))
    mark = f'{{"$blob":"sha256:{SHA}","bytes":3}}'
    with create_engine(url).begin() as connection:
        connection.execute(
            text("INSERT INTO blobs VALUES ('p', :sha, 'image/png', 3, 5, :content)"), {"sha": SHA, "content": b"abc"}
        )
        for number in range(250):
            payload = f'{{"images":[{mark},{mark}]}}' if number % 2 else '{"content":"no picture"}'
            connection.execute(EVENT, {"id": f"e{number}", "payload": payload})

    schema.upgrade(url)

    refs = query(url, "SELECT project, sha256, timestamp, event_id FROM blob_refs")
    assert {("p", SHA, 5, f"e{number}") for number in range(1, 250, 2)} == {tuple(row.values()) for row in refs}
    assert 125 == len(refs)
