"""
`hookline bridge` as a process, between TanStack's own ServerEventBus and a collector.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.database import query
from tests.end_to_end.processes import wait_for
from tests.fakes.environment import clean_environment
from tests.fakes.ports import free_port
from tests.fakes.running import running_collector
from tests.fakes.server_bus import ServerBus

RECORDINGS = Path(__file__).parents[1] / "fixtures" / "tanstack"
END_LIMIT_S = 60.0
ORDERED = "SELECT event_id, type, timestamp, sequence, payload FROM events ORDER BY arrival"


def recorded(*names: str) -> list[str]:
    return [line for name in names for line in (RECORDINGS / f"{name}.jsonl").read_text().splitlines()]


SERVER = recorded("chat-stream-tool", "image", "embedding")
LATER = recorded("chat-stream", "speech")


class Bridge:
    """
    The command, and what it said at its end.
    """

    def __init__(self, *arguments: str) -> None:
        self._said = ""
        clean = clean_environment()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "collector", "bridge", *arguments, "--json"],
            env=clean,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, *, code: int = 0, by: signal.Signals = signal.SIGINT) -> tuple[dict[str, int], str]:
        self._process.send_signal(by)
        out, said = self._process.communicate(timeout=END_LIMIT_S)
        assert code == self._process.returncode, said
        return json.loads(out), self._said + said

    def wait_for(self, words: str) -> None:
        """
        Until a line of standard error has them.
        """
        assert self._process.stderr is not None
        while words not in (line := self._process.stderr.readline()):
            assert line, "the bridge ended"
            self._said += line
        self._said += line

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate(timeout=END_LIMIT_S)


@contextmanager
def bridging(port: int, to: str) -> Iterator[Bridge]:
    bridge = Bridge(f"127.0.0.1:{port}", "--to", to)
    try:
        yield bridge
    finally:
        bridge.kill()


def stored_events(store_url: str, count: int) -> list[dict[str, Any]]:
    rows = wait_for(f"{count} events", lambda: found if len(found := query(store_url, ORDERED)) >= count else None)
    return [dict(row) for row in rows]


def told(line: str) -> tuple[str, int]:
    """
    What of a message its row must show.
    """
    message = json.loads(line)
    return message["type"].partition(":")[2], int(message["payload"]["timestamp"])


def test_what_a_dev_server_says_is_stored_in_order_and_once(tanstack_bus: Path, sqlite_url: str) -> None:
    """
    Also after the bus went away and came back; other plugins' messages are left out; the bridge counts what it did.
    """
    other = json.dumps({"type": "query-devtools:x", "payload": {"timestamp": 1}, "pluginId": "query-devtools"})
    port = free_port()
    with running_collector(sqlite_url) as collector, bridging(port, collector.url) as bridge:
        with ServerBus(tanstack_bus, port) as bus:
            bus.wait_for_client()
            bus.say([*SERVER, other])
            stored_events(sqlite_url, len(SERVER))
        with ServerBus(tanstack_bus, port) as bus:
            bus.wait_for_client()
            bus.say(LATER)
            rows = stored_events(sqlite_url, len(SERVER) + len(LATER))
            totals, said = bridge.end()
    expected = [*SERVER, *LATER]
    assert [told(line) for line in expected] == [(row["type"], row["timestamp"]) for row in rows]
    assert len(expected) == len({row["event_id"] for row in rows})
    assert list(range(1, len(expected) + 1)) == [row["sequence"] for row in rows]
    assert {row["event_id"].rpartition("-")[0] for row in rows} == {rows[0]["event_id"].rpartition("-")[0]}
    assert {"received": len(expected), "posted": len(expected), "dropped": 0, "left": 0} == _main(totals)
    assert 1 == totals["other_plugins"]
    assert 1 == said.count("the bus is back")
    assert said.count("no devtools bus at") in (1, 2), "once at the restart, and once before if the bridge was there first"


@pytest.mark.long
def test_events_wait_for_a_collector_that_is_away(tanstack_bus: Path, sqlite_url: str) -> None:
    """
    What is said meanwhile arrives when it is back, in order and once; a client's own ids are kept.
    """
    port, client = free_port(), recorded("client-sse")
    with ServerBus(tanstack_bus) as bus, bridging(bus.port, f"http://127.0.0.1:{port}") as bridge:
        bus.wait_for_client()
        with running_collector(sqlite_url, port=port):
            bus.say(SERVER)
            stored_events(sqlite_url, len(SERVER))
        bus.say(client)
        bridge.wait_for("events can't be delivered")
        with running_collector(sqlite_url, port=port):
            rows = stored_events(sqlite_url, len(SERVER) + len(client))
        totals, said = bridge.end(by=signal.SIGTERM)
    expected = [*SERVER, *client]
    assert [told(line) for line in expected] == [(row["type"], row["timestamp"]) for row in rows]
    own = {event_id for line in client if (event_id := json.loads(line)["payload"].get("eventId"))}
    assert own
    assert {event_id for event_id in own if len(event_id) <= 128} <= {row["event_id"] for row in rows}
    assert len(expected) == totals["posted"]
    assert (1, 1) == (said.count("events can't be delivered"), said.count("events are delivered to"))


@pytest.mark.long
def test_a_stop_says_what_could_not_be_sent(tanstack_bus: Path) -> None:
    """
    Without a collector the bridge waits as long as it was told, says how many are left, and fails.
    """
    with ServerBus(tanstack_bus) as bus:
        bridge = Bridge(f"127.0.0.1:{bus.port}", "--to", f"http://127.0.0.1:{free_port()}", "--stop-timeout-s", "0.3")
        try:
            bus.wait_for_client()
            bus.say(LATER)
            bridge.wait_for("events can't be delivered")
            totals, _ = bridge.end(code=1)
        finally:
            bridge.kill()
    assert {"received": len(LATER), "posted": 0, "dropped": 0, "left": len(LATER)} == _main(totals)


def _main(totals: dict[str, int]) -> dict[str, int]:
    return {name: totals[name] for name in ("received", "posted", "dropped", "left")}
