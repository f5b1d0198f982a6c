"""
The outbox of an older database goes over as it is: what waits is still to be sent, what was sent is not sent again.
"""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from collector.storage import schema
from tests.end_to_end.database import query
from tests.fakes.migrated import scripts_before
from tests.fakes.postgres import PostgresServer

SPAN = text(
    "INSERT INTO exports (project, span, destination, state, attempts, next_at, reason, export_id, trace_id, request_id,"
    " resource_id, is_final, queued_ms, encoded_bytes, encoded, lease_owner, stumbles)"
    " VALUES ('p', :span, 'otlp', :state, 2, 7, 'why', :id, 't', :call, 'r', :final, 6, :size, :encoded, 'o', 1)"
)
ALL = "SELECT * FROM exports ORDER BY export_id"


def row(number: int, *, span: str, call: str, state: str = "pending") -> dict[str, object]:
    encoded = None if state == "done" else b"\x00\xff span"
    size = 0 if encoded is None else len(encoded)
    return {"id": number, "span": span, "call": call, "state": state, "final": number % 2 == 0, "size": size, "encoded": encoded}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """
    A database without a table, on each engine in turn.
    """
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/old.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.url(server.new_database())


def test_outbox_keeps_its_rows_and_its_identity(empty_url: str, tmp_path: Path) -> None:
    """
    Every column of every row, ids with their gaps, and no span of a call twice.
    """
    schema.prepare(empty_url, scripts=scripts_before("0013", tmp_path))
    with create_engine(empty_url).begin() as connection:
        for number, state in ((3, "pending"), (4, "done"), (900, "dead")):
            connection.execute(SPAN, row(number, span=f"s{number}", call="c", state=state))
    before = query(empty_url, ALL)

    schema.upgrade(empty_url)

    assert before == query(empty_url, ALL)
    with create_engine(empty_url).begin() as connection:
        connection.execute(SPAN, row(1000, span="s4", call="another"))
    with create_engine(empty_url).begin() as connection, pytest.raises(IntegrityError):
        connection.execute(SPAN, row(1002, span="s4", call="c"))
