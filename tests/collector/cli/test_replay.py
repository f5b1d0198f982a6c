"""
A captured stream is posted again: in its order, at its pace, as the same calls or as new ones.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.cli.commands import run_command
from collector.cli.replay import read_events, renewed, steps
from collector.errors import BadRequest
from tests.fakes.running import Running, chat_call, running_collector

FIRST = {"type": "text:request:started", "timestamp": 1000, "requestId": "r", "eventId": "e1"}
SECOND = {"type": "text:request:completed", "timestamp": 3000, "requestId": "r", "eventId": "e2"}


@pytest.fixture
def collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    with running_collector(f"sqlite:///{tmp_path / 'a.db'}") as running:
        monkeypatch.setenv("HOOKLINE_URL", running.url)
        yield running


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([SECOND, FIRST]),
        f"{json.dumps(SECOND)}\n\n{json.dumps(FIRST)}\n",
        json.dumps({"resource": {}, "events": [SECOND, FIRST]}),
        json.dumps({"items": [{"arrival": 2, "service": "shop", "payload": SECOND}, {"arrival": 1, "payload": FIRST}]}),
    ],
)
def test_every_form_is_read_oldest_first(text: str) -> None:
    """
    An array, lines, a body as it was posted, and what `hookline events --json` prints.
    """
    events = read_events(text, service="replay")

    assert [FIRST, SECOND] == [event for _, event in events]
    assert {"replay"} <= {service for service, _ in events}


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "[1, 2]", '{"a": 1}', '[{"no": "type"}]'])
def test_what_is_no_stream_of_events_is_told(text: str) -> None:
    """
    Before anything is posted.
    """
    with pytest.raises(BadRequest):
        read_events(text, service="replay")


def test_pauses_are_those_of_the_events() -> None:
    """
    Divided by the speed; neighbours go together; 0 is without a pause. Senders don't mix.
    """
    near = {**FIRST, "timestamp": 1040}
    events = [("shop", FIRST), ("shop", near), ("bank", near), ("shop", SECOND)]

    def told(speed: float) -> list[tuple[float, str, int]]:
        return [(round(step.after_s, 3), step.service, len(step.events)) for step in steps(events, speed=speed)]

    assert [(0.0, "shop", 2), (0.04, "bank", 1), (2.0, "shop", 1)] == told(1.0)
    assert [(0.0, "shop", 2), (0.01, "bank", 1), (0.5, "shop", 1)] == told(4.0)
    assert {0.0} == {after_s for after_s, _, _ in told(0.0)}


def test_new_calls_keep_their_story() -> None:
    """
    Other ids, the same ties between them, times from now on with the same distances; nothing of the host's trace.
    """
    child = {**SECOND, "requestId": "child", "parentRequestId": "r", "traceparent": "00-…"}

    (_, first), (_, made) = renewed([("s", FIRST), ("s", child)], now_ms=50_000, mark="x")

    assert (50_000, 52_000) == (first["timestamp"], made["timestamp"])
    assert (first["requestId"], "child~x") == (made["parentRequestId"], made["requestId"])
    assert not {"eventId", "traceparent"} & {*first, *made}


def test_replay_of_a_listing(collector: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    What `hookline events --json` prints goes in again: known as it is, as another call with `--as-new`.
    """
    collector.post_events(*chat_call("first"))
    collector.wait_for_calls("first")
    file = tmp_path / "events.json"
    file.write_bytes(collector.get("/v1/events?limit=100").body)

    def run(*arguments: str) -> dict[str, Any]:
        capsys.readouterr()
        assert 0 == run_command(["replay", str(file), "--speed", "0", "--json", *arguments])
        return json.loads(capsys.readouterr().out)

    assert {"accepted": 0, "duplicates": 3, "rejected": 0} == run()
    assert {"accepted": 3, "duplicates": 0, "rejected": 0} == run("--as-new")
    calls = collector.get("/v1/calls").json["items"]
    assert 2 == len(calls)
    assert {"shop"} == {call["service"] for call in calls}
    assert 1 == run_command(["replay", str(tmp_path / "none")])
