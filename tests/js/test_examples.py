"""
The examples, as they are, against the local provider and a real collector.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from collector.demo.provider import Provider, start_provider
from collector.storage.engines import open_store
from tests.end_to_end.database import query
from tests.fakes.js_package import BUILD, node, node_server
from tests.fakes.quiet_calls import quiet_calls
from tests.fakes.running import Running, eventually, running_collector

PRELOAD = ["--import", "hookline/register"]
# The first test also waits for what it needs to be installed and built.
pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]


def test_examples_are_well_typed(package: Path) -> None:
    """
    Against the types that the package and the SDKs are published with.
    """
    assert "" == node(package, "node_modules/typescript/bin/tsc", "-p", "examples")


def run_typescript(package: Path, name: str, collector: Running, provider: Provider) -> str:
    """Node 20 runs no TypeScript: its types are taken off first, and nothing else."""
    program = BUILD / f"{name}.mjs"
    plain = [package / "node_modules/.bin/esbuild", f"examples/{name}.ts", f"--outfile={program}", "--log-level=error"]
    subprocess.run(plain, cwd=package, check=True, timeout=60)
    more = {"HOOKLINE_URL": collector.url, "OPENAI_BASE_URL": provider.base_url, "OPENAI_API_KEY": "any"}
    return node(package, str(program), OPENAI_AGENTS_DISABLE_TRACING="1", **more).strip()


def settled(collector: Running, count: int) -> list[dict[str, Any]]:
    """The calls, oldest first, once there are so many and all have ended."""

    def look() -> list[dict[str, Any]] | None:
        calls = collector.get("/v1/calls?limit=100").json["items"][::-1]
        return calls if len(calls) == count and all(call["status"] != "running" for call in calls) else None

    return eventually(look)


def test_openai_stream(package: Path, sqlite_url: str) -> None:
    """
    What it printed is what the call says, with tokens, and the session's thread.
    """
    with start_provider() as provider, running_collector(sqlite_url) as collector:
        printed = run_typescript(package, "openai-stream", collector, provider)
        (call,) = settled(collector, 1)
    assert ("ok", "sky", "examples", "openai") == tuple(call[name] for name in ("status", "thread_id", "client_id", "provider"))
    assert printed[:60] == call["answer_preview"][:60]
    assert call["input_tokens"] > 0
    assert call["chunk_count"] > 1


def test_agents(package: Path, sqlite_url: str) -> None:
    """
    Each run is one trace: its model calls, and its tool or its handoff, are inside it.
    """
    with start_provider() as provider, running_collector(sqlite_url) as collector:
        printed = run_typescript(package, "agents", collector, provider)
        calls = settled(collector, 6)
        runs = [call for call in calls if call["operation"] == "invoke_agent"]
        spans = [collector.get(f"/v1/calls/{run['request_id']}").json["spans"] for run in runs]
    assert "-> Forecaster" in printed
    assert ["ok"] * 6 == [call["status"] for call in calls]
    inside = [(call["operation"], call["parent_request_id"], call["trace_id"]) for call in calls if call not in runs]
    assert sorted(("chat", run["request_id"], run["trace_id"]) for run in runs for _ in range(2)) == sorted(inside)
    found = [{(span["kind"], span["name"]) for span in of_run} for of_run in spans]
    assert {("call", "invoke_agent Forecaster"), ("tool", "execute_tool get_weather")} == found[0]
    assert ("call", "invoke_agent Triage") in found[1]
    assert ["handoff"] == [span["kind"] for span in spans[1] if span["kind"] != "call"]


def test_tanstack_server_and_client_meet(package: Path, sqlite_url: str) -> None:
    """
    Both sides of TanStack AI as published, each with the preload: what the client asked and how it stopped is in the trace of the
    server's call, by runId, and a client that stops ends the server's call.
    """
    with start_provider() as provider, running_collector(sqlite_url) as collector:
        more = {"HOOKLINE_URL": collector.url, "OPENAI_BASE_URL": provider.base_url, "PORT": "0"}
        server = [*PRELOAD, "examples/tanstack-server.mjs"]
        with node_server(package, *server, OTEL_SERVICE_NAME="chat-server", **more) as address:
            client = [*PRELOAD, "examples/tanstack-client.mjs", address, "Tell me everything [words:300] [slow:20]"]
            told = json.loads(node(package, *client, OTEL_SERVICE_NAME="chat-page", **more))
        (stopped,) = (call for call in collector.get("/v1/calls").json["items"] if call["thread_id"] == "t-stopped")
        page = collector.get(f"/calls/{stopped['request_id']}?tab=events").body.decode()
        services = {row["service"] for row in collector.get("/v1/events?limit=1000").json["items"]}
    assert {"chat-server", "chat-page"} == services
    assert "run:cancelled" in page
    calls = {call["thread_id"]: call for call in quiet_calls(sqlite_url)}
    found = {thread: call["status"] for thread, call in calls.items()}
    assert {"t-told": "ok", "t-weather": "ok", "t-stopped": "aborted"} == found
    assert told["told"][:60] == calls["t-told"]["answer_preview"][:60]
    assert 1 == calls["t-weather"]["tool_count"]

    stopped = calls["t-stopped"]
    store = open_store(sqlite_url, settle_ms=0)
    try:
        trace = store.trace("default", stopped["trace_id"])
    finally:
        store.close()
    assert [stopped["request_id"]] == [row["request_id"] for row in trace["calls"]]
    assert {"run:started", "run:cancelled"} <= {row["type"] for row in trace["events"]}
    own = [row["timestamp"] for row in query(sqlite_url, OWN_EVENTS) if row["request_id"] == stopped["request_id"]]
    assert max(own) == stopped["end_ms"]


OWN_EVENTS = "SELECT request_id, timestamp FROM events"
