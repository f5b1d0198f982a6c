"""
A host goes on working while its collector dies and comes back; afterwards nothing is missing and nothing is there twice.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.end_to_end.database import count, query
from tests.end_to_end.processes import CollectorProcess, wait_for

HOST = Path(__file__).with_name("busy_host.py")
CALLS = 150


@pytest.mark.long
@pytest.mark.timeout(300)
def test_client_posts_again_what_a_killed_collector_did_not_acknowledge(sqlite_url: str, tmp_path: Path) -> None:
    """
    kill -9 while the host calls: it notices nothing, counts no loss, and every call has its two events and one row.
    """
    collector = CollectorProcess(database_url=sqlite_url, log_path=tmp_path / "log")
    with collector:
        command = [sys.executable, str(HOST), str(CALLS)]
        host = subprocess.Popen(command, env=collector.environment(), stdout=subprocess.PIPE, text=True)
        wait_for("first events", lambda: count(sqlite_url, "SELECT count(*) FROM events") > 10, limit_s=60)
        collector.kill()
        collector.start()
        told = json.loads(host.communicate(timeout=90)[0].splitlines()[-1])
        wait_for("every call to be assembled", lambda: count(sqlite_url, "SELECT count(*) FROM call_work") == 0)

    assert told["delivered"]
    assert not any(told["losses"].values())
    assert {"text:request:started": CALLS, "text:request:completed": CALLS} == _events_by_type(sqlite_url)
    assert CALLS == count(sqlite_url, "SELECT count(*) FROM calls WHERE status = 'ok'")
    assert CALLS == count(sqlite_url, "SELECT count(DISTINCT request_id) FROM events")


def _events_by_type(url: str) -> Counter[str]:
    return Counter(row["type"] for row in query(url, "SELECT type FROM events"))
