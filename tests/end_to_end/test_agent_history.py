"""
An agent resends its history with every call: each message goes over the wire once and lies in the database once, and nobody who
reads notices.
"""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sdk_hooks.config import Config
from sdk_hooks.runtime import Runtime, use
from sdk_hooks.transport import Answer, HttpTransport, RetryLater
from tests.end_to_end.database import count
from tests.fakes.kept import dangling
from tests.fakes.ports import free_port
from tests.fakes.running import Running, running_collector
from tests.sdk_hooks.calls import chat

TURNS = 30
WORDS = "the agent looked at the page and wrote down what it found there, then it asked for the next one; "


class Metered:
    """The real transport, and how much went through it."""

    def __init__(self, url: str, api_key: str | None) -> None:
        self.inner = HttpTransport(url, api_key)
        self.plain_bytes = 0
        self.bodies: list[dict[str, Any]] = []
        self.loses_answers = False

    def post(self, body: bytes, *, is_gzip: bool, timeout_s: float) -> Answer:
        plain = gzip.decompress(body) if is_gzip else body
        self.plain_bytes += len(plain)
        self.bodies.append(json.loads(plain))
        answer = self.inner.post(body, is_gzip=is_gzip, timeout_s=timeout_s)
        return RetryLater(None, "lost") if self.loses_answers else answer

    def close(self) -> None:
        self.inner.close()

    def abandon(self) -> None:
        self.inner.abandon()


class Host:
    """A process that calls a model, with a collector."""

    def __init__(self, url: str, folder: Path) -> None:
        self.wires: list[Metered] = []
        config = Config({"HOOKLINE_URL": url, "HOOKLINE_SPOOL_DIR": str(folder / "spool"), "OTEL_SERVICE_NAME": "agent"})
        self.runtime = Runtime(config, connect=self._connect, starts_thread=False)

    def _connect(self, url: str, api_key: str | None) -> Metered:
        self.wires.append(Metered(url, api_key))
        return self.wires[-1]

    @property
    def wire(self) -> Metered:
        return self.wires[-1]

    def call(self, messages: list[dict[str, Any]]) -> None:
        """One call, delivered."""
        recorded = chat(messages=messages)
        recorded.complete({"content": "done", "finishReason": "stop"})
        assert self.runtime.emitter.flush(60.0)


@contextmanager
def hosting(url: str, folder: Path) -> Iterator[Host]:
    host = Host(url, folder)
    before = use(host.runtime)
    try:
        yield host
    finally:
        use(before)
        host.runtime.emitter.close(5.0)


def message(turn: int) -> dict[str, Any]:
    """Two KiB that no other turn has."""
    return {"role": "user" if turn % 2 == 0 else "assistant", "content": f"Turn {turn} “ü”: " + f"{turn} {WORDS}" * 20}


def run_agent(host: Host, turns: int = TURNS) -> list[dict[str, Any]]:
    """A history that grows with every call."""
    history: list[dict[str, Any]] = [{"role": "system", "content": "You are brief."}]
    for turn in range(turns):
        history.append(message(turn))
        host.call(history)
    return history


def started(collector: Running) -> list[dict[str, Any]]:
    """The started events' payloads, by the number of their messages."""
    items = collector.get("/v1/events?type=text:request:started&limit=1000").json["items"]
    return sorted((item["payload"] for item in items), key=lambda payload: len(payload["messages"]))


def test_an_agents_history_goes_and_lies_once(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Thirty calls with a growing history take less than a fifth of the wire and of the room; API, page and spans have it whole.
    """
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")
    with running_collector(store_url) as collector, hosting(collector.url, tmp_path) as host:
        history = run_agent(host)
        full = sum(len(json.dumps(history[: turn + 2], ensure_ascii=False).encode()) for turn in range(TURNS))
        payloads = started(collector)
        assert [history[: turn + 2] for turn in range(TURNS)] == [payload["messages"] for payload in payloads]
        assert host.wire.plain_bytes < full / 5
        last = payloads[-1]["requestId"]
        collector.wait_for_calls(*(payload["requestId"] for payload in payloads))
        whole = collector.get(f"/v1/calls/{last}").json
        page = collector.get(f"/calls/{last}").body.decode()
    kept = "SELECT (SELECT sum(length(payload)) FROM events) + (SELECT sum(bytes) FROM blobs) AS n"
    assert count(store_url, kept) < full / 5
    assert TURNS == count(store_url, "SELECT count(*) FROM blobs")
    assert {} == dangling(store_url)
    assert history in [row["payload"].get("messages") for row in whole["events"]["items"]]
    told = json.loads(whole["spans"][0]["attributes"]["gen_ai.input.messages"])
    assert [one["content"] for one in history] == [one["parts"][0]["content"] for one in told]
    assert "Turn 29 “ü”" in page
    assert "Turn 3 “ü”" in page
    assert "sha256:" not in page
    assert not any(host.runtime.losses.snapshot().values())


def test_a_swapped_database_loses_nothing(sqlite_url: str, tmp_path: Path) -> None:
    """
    Between two calls an empty database takes the place of the full one, at the same address: what refers to messages that it
    lacks goes again, whole, and after that messages go once again.
    """
    other = f"sqlite:///{tmp_path / 'other.db'}"
    port = free_port()
    with hosting(f"http://127.0.0.1:{port}", tmp_path) as host:
        with running_collector(sqlite_url, port=port):
            history = run_agent(host, 8)
        with running_collector(other, port=port) as collector:
            for turn in range(8, 14):
                history.append(message(turn))
                host.call(history)
            assert [history[: turn + 2] for turn in range(8, 14)] == [payload["messages"] for payload in started(collector)]
    assert not any(host.runtime.losses.snapshot().values())
    assert {"system", "ref"} == _kinds(host.wire.bodies[-1])
    assert {} == dangling(other)


def _kinds(body: dict[str, Any]) -> set[str]:
    """Which long messages but the newest went whole, and whether any went as a reference."""
    (sent,) = [event for event in body["events"] if event["type"] == "text:request:started"]
    return {"ref" if "ref" in message else message["role"] for message in sent["messages"][:-1]}


def test_what_was_sent_by_reference_waits_whole_on_disk(sqlite_url: str, tmp_path: Path) -> None:
    """
    The collector goes away while a call refers to what it has: the spool holds the whole call, and another database gets it all.
    """
    other, port = f"sqlite:///{tmp_path / 'other.db'}", free_port()
    with hosting(f"http://127.0.0.1:{port}", tmp_path) as host:
        with running_collector(sqlite_url, port=port):
            history = run_agent(host, 4)
        chat(messages=history).complete({"content": "late"})
        host.runtime.emitter.flush(0.5)
        assert list((tmp_path / "spool").iterdir())
        with running_collector(other, port=port) as collector:
            assert host.runtime.emitter.flush(60.0)
            assert [history] == [payload["messages"] for payload in started(collector)]
    assert not any(host.runtime.losses.snapshot().values())


def test_an_answer_that_is_lost_doubles_nothing(store_url: str, tmp_path: Path) -> None:
    """
    The collector has committed a call with references, and its answer does not arrive: the call comes again and is known.
    """
    with running_collector(store_url) as collector, hosting(collector.url, tmp_path) as host:
        history = run_agent(host, 3)
        host.wire.loses_answers = True
        chat(messages=history).complete({"content": "late"})
        host.runtime.emitter.flush(0.5)
        assert 4 == len(started(collector))
        host.wire.loses_answers = False
        assert host.runtime.emitter.flush(60.0)
        assert history == started(collector)[-1]["messages"]
    assert 8 == count(store_url, "SELECT count(*) FROM events")
    assert {} == dangling(store_url)
