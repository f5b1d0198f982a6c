"""
A database with media from before references were kept gets them when it is upgraded.
"""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from collector.storage import schema
from tests.end_to_end.database import query
from tests.fakes.migrated import scripts_before
from tests.fakes.postgres import PostgresServer

SHA = "ab" * 32
EVENT = text(
    "INSERT INTO events (project, event_id, type, timestamp, received_at, service, clock, payload, dialect, resource_id)"
    " VALUES ('p', :id, 't', 5, 5, 's', 'sender', :payload, 'hookline', 'r')"
)


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
    schema.prepare(url, scripts=scripts_before("0009", tmp_path))
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
