"""
A client whose key is limited, against a real collector: it waits as long as it is told, and everything arrives.
"""

from pathlib import Path

import pytest

from collector.api.allowances import BURST_S
from sdk_hooks.config import Config
from sdk_hooks.runtime import Runtime, use
from tests.fakes.running import AT_MS, Running, eventually, running_collector
from tests.sdk_hooks.calls import chat

OPERATOR = "operator-key-of-this-test"
CALLS = 20
EVENTS = 2 * CALLS
RATE = 10
BEFORE = round(BURST_S * RATE) + 3 * RATE
"""Events of somebody else with the same key: for three seconds nothing more is taken, however slow this machine is."""


def test_everything_of_a_limited_sender_arrives_once(sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """
    The key has sent more than it may: the collector refuses with 429 and says when to come again. None is lost, none is stored
    twice, and the host hears of it in one line.
    """
    with running_collector(sqlite_url, api_key=OPERATOR) as collector:
        operator = {"authorization": f"Bearer {OPERATOR}"}
        wish = {"project": "slow", "scopes": ["ingest", "read"], "events_per_s": RATE}
        key = collector.ask("POST", "/v1/admin/keys", body=wish, headers=operator).json["key"]
        before = [{"type": "x", "eventId": f"before-{n}", "timestamp": AT_MS} for n in range(BEFORE)]
        assert 200 == collector.post_events(*before, key=key).status
        config = Config({})
        config.update(
            {"url": collector.url, "api_key": key, "flush_interval_s": 0.02, "batch_max_events": 55, "spool_dir": str(tmp_path)}
        )
        runtime = Runtime(config)
        outer = use(runtime)
        try:
            for _ in range(CALLS):
                chat().complete()
            told = eventually(lambda: (found := _stored(collector, key)) and len(found) >= EVENTS and found)
        finally:
            runtime.emitter.close(1.0)
            use(outer)
        refusals = collector.ask("GET", "/metrics", headers=operator).body.decode()
    assert EVENTS == len(told) == len(set(told))
    assert 0 == sum(runtime.losses.snapshot().values())
    assert 'hookline_posts_refused_total{why="RateLimited"}' in refusals
    assert 1 == sum("can't be delivered" in record.getMessage() for record in caplog.records)


def _stored(collector: Running, key: str) -> list[str]:
    answer = collector.ask("GET", "/v1/events?limit=1000", headers={"authorization": f"Bearer {key}"})
    return [row["event_id"] for row in answer.json["items"] if row["type"] != "x"]
