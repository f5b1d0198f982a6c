"""
Databases as Grafana would find them: filled by the demo, and with everything wrong that a dashboard shows.

Flow: `hookline demo` in a process of its own, then a batch of trouble -> **database** -> panels' SQL.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg

from collector.exporters.protocol import Refused, Sent
from collector.pipeline.pipeline import Pipeline
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from collector.validation import read_batch
from tests.fakes.environment import clean_environment
from tests.fakes.exporter import RecordingExporter

ROOT = Path(__file__).parents[2]
RESOURCE = {
    "service.name": "trouble",
    "telemetry.sdk.name": "hookline-py",
    "deployment.environment.name": "test",
    "host.name": "host-1",
}
READER_SQL = (ROOT / "grafana/postgres/reader.sql").read_text()

Event = dict[str, Any]


def run_demo(database_url: str) -> None:
    """The demo's scenario against a collector on this database; both are in one process, which is not this one."""
    kept = clean_environment()
    command = [sys.executable, "-m", "collector", "demo", "--once", "--database-url", database_url]
    done = subprocess.run(
        command, cwd=ROOT, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200, check=False
    )
    assert 0 == done.returncode, done.stdout[-2000:]


def call_events(name: str, *, at_ms: float, activity: str = "text", duration_ms: float = 80.0, **more: Any) -> list[Event]:
    """A call that ends well; `more` goes to its end."""
    base = {"requestId": name, "provider": "openai", "model": "gpt-4o", "parentRequestId": more.pop("parentRequestId", None)}
    base = {field: value for field, value in base.items() if value is not None}
    usage = {"promptTokens": 70, "completionTokens": 20, "totalTokens": 90, "promptTokensDetails": {"cachedTokens": 30}}
    ended = {"type": f"{activity}:request:completed", "timestamp": at_ms + duration_ms, "duration": duration_ms, "usage": usage}
    events = [{**base, "type": f"{activity}:request:started", "timestamp": at_ms}, {**base, **ended, **more}]
    return [{**event, "eventId": f"{name}-{n}"} for n, event in enumerate(events)]


def failed_call(name: str, *, at_ms: float) -> list[Event]:
    """A call that the provider refused."""
    started, ended = call_events(name, at_ms=at_ms)
    del ended["usage"]
    return [started, ended | {"type": "text:request:error", "error": {"name": "RateLimitError", "message": "slow down"}}]


def trouble(at_ms: float) -> list[Event]:
    """A refused span, a failed tool, a tool that never ran, a lost end, an unknown parent, a poll that took very long."""
    tool = {"type": "tools:call:completed", "toolCallId": "t1", "toolName": "look_up", "error": "no such word", "duration": 5.0}
    asked = [{"id": "t2", "type": "function", "function": {"name": "send_mail", "arguments": "{}"}}]
    with_tool = call_events("failed-tool", at_ms=at_ms)
    with_tool.insert(1, {**with_tool[0], **tool, "eventId": "failed-tool-9", "timestamp": at_ms + 70})
    return [
        *with_tool,
        *call_events("refused-span", at_ms=at_ms),
        *call_events("tool-not-run", at_ms=at_ms, toolCalls=asked, finishReason="tool_calls"),
        *call_events("lost-end", at_ms=at_ms)[:1],
        *call_events("orphan", at_ms=at_ms, parentRequestId="nobody"),
        *failed_call("limited", at_ms=at_ms),
        *call_events("poll", at_ms=at_ms, activity="video", duration_ms=3_000_000.0, requestType="status", jobId="job-1"),
    ]


def store_events(store: Store, events: Sequence[Event], *, received_ms: float) -> None:
    """Take events in as a POST at that time would."""
    body = json.dumps({"resource": RESOURCE, "events": events}).encode()
    result = read_batch(body, media="json", project="default", received_ms=int(received_ms))
    assert () == result.rejected
    store.append(result.batch).result(timeout=100)


def assemble(store: Store, exporter: RecordingExporter | None = None) -> None:
    """Do all work that is due."""
    pipeline = Pipeline(store, (exporter,) if exporter else (), settle_ms=0, idle_timeout_ms=1000)
    while pipeline.run_once():
        pass


def add_trouble(database_url: str) -> None:
    """What the demo does not show; one call is left running."""
    now_ms = time.time() * 1000
    exporter = RecordingExporter()
    exporter.will(lambda spans: [Refused(reason="span too large") if "refused" in str(span) else Sent() for span in spans])
    store = open_store(database_url, settle_ms=0)
    try:
        store_events(store, trouble(now_ms - 60_000), received_ms=now_ms - 60_000)
        assemble(store, exporter)
        store_events(store, call_events("running", at_ms=now_ms)[:1], received_ms=now_ms)
        assemble(store)
    finally:
        store.close()


def grant_reader(database_url: str) -> str:
    """Run grafana/postgres/reader.sql as psql would; the URL of the same database for the reader."""
    statements = READER_SQL.replace(":'password'", "'not-a-secret'")
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(cast(LiteralString, statements))
    return database_url.replace("postgres@", "hookline_reader@")
