"""
A database as it is after some months: 100,000 calls, one with 20,000 chunks, one trace with 3,000 spans.

Some hundred calls go through validation and assembly as any other; copies of their rows, at other times and under other names,
make the rest, by INSERT … SELECT. So the rows are what the collector writes, and filling takes a minute, not an hour.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Table, create_engine, text

from collector.storage import schema
from collector.storage.engines import open_store
from collector.storage.tables import call_health, calls, events, spans, token_usage, tool_calls
from tests.fakes.bench import Bench

TEMPLATES = 200
BIG_CALL = "big-call"
BIG_CHUNKS = 20_000
BIG_TRACE_ROOT = "big-trace"
BIG_TRACE_CALLS = 1_000
"""Each a call of its own with two tools: three spans."""
COPY_EVERY_MS = 977
COPIED = (events, calls, spans, tool_calls, token_usage, call_health)
_IDS = {"request_id", "event_id", "parent_request_id", "tool_call_id"}
_TIMES_MS = {"timestamp", "received_at", "start_ms", "end_ms", "at_ms", "updated_ms", "order_ms", "settled_ms"}
_TIMES_NS = {"start_ns", "end_ns"}
WORDS = (
    "the",
    "customer",
    "asked",
    "for",
    "a",
    "refund",
    "of",
    "order",
    "nine",
    "and",
    "we",
    "said",
    "it",
    "takes",
    "three",
    "days",
)


def fill(url: str, *, total_calls: int, say: Callable[[str], None]) -> None:
    """Fill a fresh database."""
    fill_templates(url, templates=TEMPLATES)
    say(f"{TEMPLATES} calls, made from their events")
    copies = total_calls // TEMPLATES - 1
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in COPIED:
            copy_rows(connection, table, copies)
            say(f"{table.name}: {copies} copies of each row")
        if connection.dialect.name == "postgresql":
            # Its own daemon does so within a minute or two of such growth.
            connection.execute(text("ANALYZE"))
    engine.dispose()
    store = open_store(url, settle_ms=0)
    bench = Bench(store, [])
    for batch in _batches(_big_call(bench.clock.now_ms())):
        bench.feed(*batch)
    for batch in _batches(_big_trace(bench.clock.now_ms())):
        bench.feed(*batch)
    _settle(bench)
    say(f"a call of {BIG_CHUNKS:,} chunks and a trace of {BIG_TRACE_CALLS * 3 + 1:,} spans")
    store.close()


def fill_templates(url: str, *, templates: int) -> None:
    """A fresh database with some calls that went the whole way."""
    schema.prepare(url)
    store = open_store(url, settle_ms=0)
    bench = Bench(store, [])
    for n in range(templates):
        bench.feed(*_call(bench, n, random.Random(n)))
    _settle(bench)
    store.close()


def _settle(bench: Bench) -> None:
    bench.clock.advance(2_000)
    while bench.pipeline.run_once():
        pass


def _call(bench: Bench, n: int, dice: random.Random) -> list[dict[str, Any]]:
    """Most are streams of 40 to 400 chunks in packs; every tenth fails, some call a tool."""
    bench.clock.advance(COPY_EVERY_MS // 2)
    end_ms, duration_ms = bench.clock.now_ms(), dice.lognormvariate(7.2, 0.8)
    start_ms = end_ms - duration_ms
    name = f"req-{n:06}"
    base = {
        "requestId": name, "streamId": f"{name}-s", "provider": dice.choice(["openai", "anthropic", "groq"]),
        "model": dice.choice(["gpt-4o", "gpt-4o-mini", "gpt-5", "claude-sonnet-4-5"]), "source": "server",
        "clientId": f"web-{n % 7}", "sessionId": f"session-{n % 40}", "userId": f"user-{n % 90}",
    }  # fmt: skip
    question = " ".join(dice.choices(WORDS, k=60))
    answer = dice.choices(WORDS, k=dice.randint(40, 400))
    made = [{**base, "type": "text:request:started", "timestamp": start_ms, "messages": [{"role": "user", "content": question}]}]
    first_ms, step_ms = duration_ms * 0.3, duration_ms * 0.65 / len(answer)
    for at in range(0, len(answer), 60):
        pack = [{"offsetMs": round(i * step_ms, 3), "delta": f"{word} "} for i, word in enumerate(answer[at : at + 60])]
        made.append(
            {
                **base,
                "type": "text:chunk:content",
                "timestamp": start_ms + first_ms + at * step_ms,
                "messageId": "m",
                "chunks": pack,
            }
        )
    if n % 4 == 0:
        tool = {"toolCallId": f"{name}-t", "toolName": dice.choice(["search", "refund"]), "result": "done", "duration": 12}
        made.append({**base, "type": "tools:call:completed", "timestamp": end_ms - 5, "messageId": "m", **tool})
    usage = {"promptTokens": 80, "completionTokens": len(answer), "totalTokens": 80 + len(answer)}
    end = {"duration": duration_ms, "timestamp": end_ms}
    failed = {"type": "text:request:error", "error": {"name": "RateLimitError", "message": "too many requests"}}
    ok = {
        "type": "text:request:completed",
        "content": "".join(f"{word} " for word in answer),
        "finishReason": "stop",
        "usage": usage,
    }
    made.append({**base, **end, **(failed if n % 10 == 9 else ok)})
    return _numbered(made, name)


def _numbered(made: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [{**event, "eventId": f"{name}-{n}", "sequence": n} for n, event in enumerate(made, start=1)]


def _big_call(now_ms: float) -> Iterator[dict[str, Any]]:
    base = {"requestId": BIG_CALL, "streamId": "s", "provider": "openai", "model": "gpt-5", "messageId": "m"}
    started = {
        **base,
        "type": "text:request:started",
        "timestamp": now_ms,
        "messages": [{"role": "user", "content": "Everything."}],
    }
    chunks = [
        {**base, "type": "text:chunk:content", "timestamp": now_ms + 500 + n * 8, "delta": f"{WORDS[n % len(WORDS)]} "}
        for n in range(BIG_CHUNKS)
    ]
    text_ = "".join(chunk["delta"] for chunk in chunks)
    duration_ms = 600 + BIG_CHUNKS * 8
    usage = {"promptTokens": 9, "completionTokens": BIG_CHUNKS, "totalTokens": BIG_CHUNKS + 9}
    end = {"type": "text:request:completed", "timestamp": now_ms + duration_ms, "duration": duration_ms}
    yield from _numbered([started, *chunks, {**base, **end, "content": text_, "usage": usage}], BIG_CALL)


def _big_trace(now_ms: float) -> Iterator[dict[str, Any]]:
    root = {"requestId": BIG_TRACE_ROOT, "timestamp": now_ms, "agentName": "planner"}
    length_ms = BIG_TRACE_CALLS * 30.0
    yield from _numbered([{**root, "type": "agent:request:started", "input": "Plan it all"}], BIG_TRACE_ROOT)
    for n in range(BIG_TRACE_CALLS):
        name, at_ms = f"{BIG_TRACE_ROOT}-{n:04}", now_ms + n * 30.0
        base = {
            "requestId": name, "provider": "openai", "model": "gpt-4o", "parentRequestId": BIG_TRACE_ROOT,
            "rootRequestId": BIG_TRACE_ROOT,
        }  # fmt: skip
        tools = [
            {"type": "tools:call:completed", "toolCallId": f"{name}-{i}", "toolName": "look_up", "result": "ok", "duration": 4}
            for i in range(2)
        ]
        made = [
            {**base, "type": "text:request:started", "timestamp": at_ms},
            *({**base, **tool, "timestamp": at_ms + 10 + 5 * i} for i, tool in enumerate(tools)),
            {**base, "type": "text:request:completed", "timestamp": at_ms + 28, "duration": 28, "content": "ok"},
        ]
        yield from _numbered(made, name)
    ended = {**root, "type": "agent:request:completed", "timestamp": now_ms + length_ms, "duration": length_ms, "output": "done"}
    yield {**ended, "eventId": f"{BIG_TRACE_ROOT}-end", "sequence": 2}


def _batches(made: Iterator[dict[str, Any]], size: int = 2_000) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for event in made:
        batch.append(event)
        if len(batch) == size:
            yield batch
            batch = []
    yield batch


def copy_rows(connection: Connection, table: Table, copies: int) -> None:
    """Each row again, `copies` times, further and further back."""
    on_sqlite = connection.dialect.name == "sqlite"
    names = [column.name for column in table.c if column.name != "arrival"]
    values = ", ".join(_moved(name, on_sqlite=on_sqlite) for name in names)
    numbers = "WITH RECURSIVE numbers (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM numbers WHERE k < :copies)"
    source = f"SELECT {values} FROM {table.name} AS t CROSS JOIN numbers"
    insert = f"INSERT INTO {table.name} ({', '.join(names)}) "
    # SQLite wants the WITH in front of the SELECT, PostgreSQL takes it there too.
    connection.execute(text(f"{insert}{numbers} {source}"), {"copies": copies})


def _moved(name: str, *, on_sqlite: bool) -> str:
    back_ms = f"CAST(k AS BIGINT) * {COPY_EVERY_MS * TEMPLATES // 2}"
    if name in _IDS:
        return f"{name} || '-' || k"
    if name in _TIMES_MS:
        return f"{name} - {back_ms}"
    if name in _TIMES_NS:
        return f"{name} - {back_ms} * 1000000"
    if name in {"trace_id", "span_id", "parent_span_id"}:
        digits = "printf('%08x', k)" if on_sqlite else "lpad(to_hex(k), 8, '0')"
        return f"substr({name}, 1, length({name}) - 8) || {digits}"
    return name
