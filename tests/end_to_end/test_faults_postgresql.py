"""
What happens to PostgreSQL under a running collector: a clear 503, a living process, nothing acknowledged lost, and it goes on by
itself when the fault is over.
"""

import psycopg
import pytest

from tests.end_to_end.faulty import readiness, refused, stored
from tests.end_to_end.processes import wait_for
from tests.fakes.postgres import PostgresServer
from tests.fakes.running import chat_call, running_collector

FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION full_disk();
"""
ROOM = "DROP FUNCTION full_disk CASCADE"
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
STANDBY = "ALTER DATABASE {database} SET default_transaction_read_only = {value}"


def execute(url: str, statement: str) -> None:
    with psycopg.connect(
        url.replace("+psycopg", ""), autocommit=True, options="-c default_transaction_read_only=off"
    ) as connection:
        connection.execute(statement.encode())


def test_full_disk(postgresql_url: str) -> None:
    """
    53100 while events are written: 503, and /readyz names the disk; with room again the next POST is taken.
    """
    with running_collector(postgresql_url) as collector:
        assert 200 == collector.post_events(*chat_call("before")).status
        execute(postgresql_url, FULL)
        try:
            for _ in range(2):
                refused(collector.post_events(*chat_call("full")))
                status, reason = readiness(collector)
                assert (503, True) == (status, "disk is full" in reason), reason
            assert 200 == collector.get("/v1/calls").status
        finally:
            execute(postgresql_url, ROOM)
        assert 200 == collector.post_events(*chat_call("full")).status
        assert (200, "") == readiness(collector)
    assert {"before", "full"} == stored(postgresql_url)


def test_cut_connections_are_not_noticed(postgresql_url: str) -> None:
    """
    Connections that died in their sleep are made anew: the next POST and the next question are answered.
    """
    with running_collector(postgresql_url) as collector:
        assert 200 == collector.post_events(*chat_call("before")).status
        collector.wait_for_calls("before")
        execute(postgresql_url, CUT)
        assert 200 == collector.post_events(*chat_call("after")).status
        assert 200 == collector.get("/v1/calls").status
        collector.wait_for_calls("after")
    assert {"before", "after"} == stored(postgresql_url)


def test_standby(postgresql_url: str) -> None:
    """
    A database that takes no writes (after a failover, say) is told as that, and taken again when it does.
    """
    name = postgresql_url.rpartition("/")[2]
    with running_collector(postgresql_url) as collector:
        assert 200 == collector.post_events(*chat_call("before")).status
        execute(postgresql_url, STANDBY.format(database=name, value="on"))
        try:
            execute(postgresql_url, CUT)
            refused(collector.post_events(*chat_call("meanwhile")))
            status, reason = readiness(collector)
            assert (503, True) == (status, "read-only" in reason), reason
        finally:
            execute(postgresql_url, STANDBY.format(database=name, value="off"))
        assert 200 == collector.post_events(*chat_call("after")).status
    assert {"before", "after"} == stored(postgresql_url)


@pytest.mark.timeout(300)
def test_server_that_is_stopped_and_started(postgresql_url: str, postgres_server: PostgresServer) -> None:
    """
    While PostgreSQL is down: 503, /readyz says so, /healthz lives; when it is back everything is taken and assembled.
    """
    with running_collector(postgresql_url) as collector:
        assert 200 == collector.post_events(*chat_call("before")).status
        postgres_server.pause()
        try:
            refused(collector.post_events(*chat_call("meanwhile")))
            status, reason = readiness(collector)
            assert (503, True) == (status, "PostgreSQL" in reason), reason
            assert 200 == collector.get("/healthz").status
            assert 503 == collector.get("/v1/calls").status
        finally:
            postgres_server.start()
        assert 200 == collector.post_events(*chat_call("meanwhile")).status
        wait_for("readiness", lambda: readiness(collector)[0] == 200)
        collector.wait_for_calls("before", "meanwhile")
    assert {"before", "meanwhile"} == stored(postgresql_url)
