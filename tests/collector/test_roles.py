"""
What a process does: roles are checked at the start, and a collector says what it does not do.
"""

from collections.abc import Iterator

import pytest

from collector.app import build_collector
from collector.errors import WrongSettings
from collector.settings import load_settings
from tests.fakes.running import Running, running_collector


@pytest.fixture
def running(postgresql_url: str, request: pytest.FixtureRequest) -> Iterator[Running]:
    """
    A collector with some roles on PostgreSQL.
    """
    with running_collector(postgresql_url, roles=request.param) as collector:
        yield collector


def test_roles_are_read_in_any_order():
    """
    Names with commas between, once each.
    """
    assert ("work", "web") == load_settings(roles=" web, work,web").role_names


@pytest.mark.parametrize("text", ["", "all", "ingest;work"])
def test_unknown_role_is_a_wrong_setting(text: str):
    """
    It names the variable and what it takes.
    """
    with pytest.raises(WrongSettings, match=r"HOOKLINE_ROLES.*ingest, work, web"):
        load_settings(roles=text or ",")


def test_sqlite_is_one_process(sqlite_url: str):
    """
    A part of a collector on a file that no other process may open is refused.
    """
    with pytest.raises(WrongSettings, match=r"HOOKLINE_ROLES.*SQLite"):
        build_collector(load_settings(database_url=sqlite_url, roles="ingest"))


@pytest.mark.parametrize("running", ["ingest"], indirect=True)
def test_ingest_only_takes_events_and_serves_no_reader(running: Running):
    """
    Events are stored and stay as they are; probes are answered; everything else is told where it is not.
    """
    assert 200 == running.post_events({"type": "text:request:started", "requestId": "r1"}).status
    assert [200, 200] == [running.get(path).status for path in ("/healthz", "/readyz")]
    for path in ("/", "/v1/calls", "/v1/live"):
        answer = running.get(path)
        assert 404 == answer.status
        assert "web" in answer.json["detail"]


@pytest.mark.parametrize("running", ["work,web"], indirect=True)
def test_without_ingest_a_sender_is_told_to_come_again(running: Running):
    """
    503 with Retry-After: a sender with a wrong address keeps its events.
    """
    answer = running.post_events({"type": "text:request:started", "requestId": "r1"})

    assert 503 == answer.status
    assert "30" == answer.headers["retry-after"]
    assert 200 == running.get("/v1/calls").status
