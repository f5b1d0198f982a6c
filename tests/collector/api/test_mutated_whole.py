"""
Mutated bodies through a whole collector: whatever was taken is assembled and can be read.

`make fuzz` sends more of them; the default run is modest.
"""

import os
import time
from collections.abc import Mapping
from urllib.parse import quote

import pytest
import structlog
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fakes.mutations import JSON_VALUES, good_events, mutated_bodies
from tests.fakes.running import Running, chat_call, eventually, running_collector

EXAMPLES = min(int(os.environ.get("HOOKLINE_FUZZ", 120)), 3000)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
JSON_BODY = {"content-type": "application/json"}
NDJSON_BODY = {"content-type": "application/x-ndjson"}
CALL_TYPES = st.sampled_from(
    [
        "text:request:started",
        "text:chunk:content",
        "text:usage",
        "text:request:completed",
        "text:request:error",
        "tools:call:completed",
    ]
)


def post_mutated(collector: Running) -> None:
    """So many bodies; each is taken or refused, and none is a failure of ours."""

    # One run is one collector, which forgets nothing: a failure could not be made smaller.
    @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=SLOW)
    @given(body=mutated_bodies(), headers=st.sampled_from([JSON_BODY, NDJSON_BODY]))
    def attempt(body: bytes, headers: dict[str, str]) -> None:
        assert collector.send("POST", "/v1/events", body, headers).status in (200, 400, 413, 422)

    attempt()


def post_odd_calls(collector: Running) -> None:
    """Events of calls that are well-formed but for their fields, so that assembly sees what the way in lets pass."""

    @settings(max_examples=EXAMPLES // 4, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=SLOW)
    @given(
        events=st.lists(
            st.builds(
                lambda event, name, usage, number: {**event, "type": name, "requestId": f"odd-{number}", "usage": usage},
                good_events(), CALL_TYPES, JSON_VALUES, st.integers(0, 40),
            ),
            max_size=4,
        )
    )  # fmt: skip
    def attempt(events: list[dict[str, object]]) -> None:
        assert collector.post_events(*events).status in (200, 400, 422)

    attempt()


@pytest.mark.long
def test_what_was_taken_is_assembled_and_read(sqlite_url: str) -> None:
    """
    No 5xx, no call that assembly or storage stumbles over, lists and figures as ever, and a good call among them is whole.
    """
    # Hypothesis describes its strategies by looking through all modules, which must not grow meanwhile: once, before threads run.
    assert repr(mutated_bodies())
    assert repr(JSON_VALUES)
    with structlog.testing.capture_logs() as logs, running_collector(sqlite_url) as collector:
        collector.post_events(*chat_call("first"))
        assert "ok" == collector.wait_for_calls("first")["first"]["status"]
        post_mutated(collector)
        post_odd_calls(collector)
        collector.post_events(*chat_call("good"))
        assert "ok" == collector.wait_for_calls("good")["good"]["status"]
        eventually(lambda: nothing_is_due(collector))
        for path in ("/v1/stats", "/v1/stats?by=model", "/v1/calls?limit=1000", "/v1/events?limit=1000", "/metrics"):
            assert 200 == collector.get(path).status, path
        for call in collector.get("/v1/calls?limit=100").json["items"]:
            assert 200 == collector.get(f"/v1/calls/{quote(call['request_id'], safe='')}").status
        counts = counts_of(collector)

    assert [] == [line for line in logs if line["log_level"] in ("error", "critical")]
    assert (0, 0) == (counts["calls_failed"], counts["calls_not_encodable"])
    assert counts["calls_assembled"] > 20


def nothing_is_due(collector: Running) -> bool:
    """Calls without an end are due when they are idle, which is half an hour away."""
    assert collector.server.collector is not None
    now_ms = time.time_ns() // 1_000_000
    due_ms = collector.server.collector.store.next_due_ms(now_ms=now_ms)
    return due_ms is None or due_ms > now_ms + 1_000


def counts_of(collector: Running) -> Mapping[str, int]:
    """What the pipeline did."""
    assert collector.server.collector is not None
    return collector.server.collector.pipeline.counts()
