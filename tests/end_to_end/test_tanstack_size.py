"""
What a long TanStack AI chat costs in the database: its messages repeat all of the text in every chunk, the rows do not.
"""

import json
import random
import sqlite3
from contextlib import closing
from typing import Any

import psycopg
import pytest

from collector.dialects.tanstack_bus import BusReader
from tests.end_to_end.database import query
from tests.fakes.running import Running, eventually, running_collector

CHUNKS = 1_000
MOST_BYTES = 600 * 1024
"""Of everything, the other tables too."""
FIRST_PAGES_BYTES = {"sqlite": 0, "postgresql": 384 * 1024}
"""What an empty PostgreSQL takes once beside: the first pages of tables and indexes that had none, partitions of the coming weeks
(measured 188,416 and 139,264), and rows of each look at the running call. Events alone are held to less by
`tests/collector/storage/test_slim_chunks.py`."""
FURTHER = 2
ON_THE_BUS_BYTES = 3_000_000
AT_MS = 1_764_000_000_000
BASE = {
    "requestId": "chat-1764000000000-fwnfvyj",
    "streamId": "stream-1764000000000-wi4roja",
    "runId": "run-1764000000000-arj3ls",
    "threadId": "thread-1764000000000-j7u1apx",
    "provider": "openai",
    "model": "gpt-4o",
    "clientId": "thread-1764000000000-j7u1apx",
    "source": "server",
    "toolNames": ["getWeather"],
    "messageCount": 1,
    "hasTools": True,
    "streaming": True,
}
MESSAGE = "msg-1764000000000-ylin9as"
# As long on the bus as the recorded ones: a system prompt and options go along with each.
CONTEXT = {"systemPrompts": ["You are a helpful assistant."], "options": {"temperature": 0.7}}
WORDS = [f"{number:04d} " for number in range(CHUNKS)]


def said(kind: str, after_ms: float, **payload: Any) -> dict[str, Any]:
    body = {**BASE, **CONTEXT, **payload, "timestamp": AT_MS + after_ms}
    return {"type": f"tanstack-ai-devtools:text:{kind}", "payload": body, "pluginId": "tanstack-ai-devtools"}


def chat(*, ends_with_text: bool = True) -> list[bytes]:
    """
    A chat as it goes over the bus: several chunks a millisecond, the text so far in each.
    """
    text = "".join(WORDS)
    messages = [
        said("request:started", 0),
        said("message:created", 1, messageId="msg-user", role="user", content="Count."),
        said("message:user", 1, messageId="msg-user", role="user", content="Count."),
        said("iteration:started", 2, iteration=0, messageId=MESSAGE),
        said("message:created", 2, messageId=MESSAGE, role="assistant", content=""),
    ]
    for number, word in enumerate(WORDS, 1):
        messages.append(said("chunk:content", 100 + number // 3, messageId=MESSAGE, content=text[: number * 5], delta=word))
    end = {"content": text} if ends_with_text else {}
    usage = {"promptTokens": 9, "completionTokens": CHUNKS, "totalTokens": CHUNKS + 9}
    messages += [
        said("chunk:done", 600, messageId=MESSAGE, finishReason="stop", usage=usage),
        said("usage", 600, messageId=MESSAGE, usage=usage),
        said("iteration:completed", 601, iteration=0, messageId=MESSAGE, duration=599, usage=usage),
        said("request:completed", 602, **end, messageId=MESSAGE, finishReason="stop", usage=usage, duration=602),
    ]
    return [json.dumps(message, separators=(",", ":")).encode() for message in messages]


def size_bytes(store_url: str) -> int:
    """
    Of tables and indexes, as the database counts them; nothing is vacuumed.
    """
    if store_url.startswith("sqlite"):
        with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            pages, free, page = (
                connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
            )
            return (pages - free) * page
    sizes = (
        "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r', 'm')"
    )
    with psycopg.connect(store_url.replace("+psycopg", "")) as connection:
        row = connection.execute(sizes).fetchone()
        assert row is not None
        return int(row[0])


@pytest.mark.parametrize("is_named", [True, False], ids=["as a bus reader names them", "without ids"])
def test_a_thousand_chunks_cost_a_part_of_the_bus(store_url: str, is_named: bool) -> None:
    """
    With indexes, the call and its spans. Shuffled, the answer is put together exactly, for the call, in the view `chunks` and on
    the page: by the ids that a bridge gives, or by the length of the text so far, where no end repeats the text.
    """
    messages = chat(ends_with_text=is_named)
    assert sum(map(len, messages)) > ON_THE_BUS_BYTES
    if is_named:
        reader = BusReader("019abcdef0123456789abcde")
        messages = [event for message in messages if (event := reader.read(message))]
    empty = size_bytes(store_url)
    with running_collector(store_url) as collector:
        call = stored(collector, messages, str(BASE["requestId"]))
        page = collector.get(f"/calls/{BASE['requestId']}?tab=conversation").body.decode()
    shown = call["answer_preview"].removesuffix("…").removesuffix("...")
    assert len(shown) > 100
    assert "".join(WORDS).startswith(shown.rstrip())
    assert "".join(WORDS) == "".join(row["delta"] for row in query(store_url, "SELECT delta FROM chunks ORDER BY n"))
    assert "".join(WORDS) in page
    cost = size_bytes(store_url) - empty
    print(f"{cost:,} bytes")
    assert cost < MOST_BYTES + FIRST_PAGES_BYTES[store_url.partition(":")[0].partition("+")[0]]


def test_each_further_chat_costs_as_little(store_url: str) -> None:
    """
    Without ids and shuffled, which is what makes the largest indexes; the mean, since PostgreSQL's grow by jumps.
    """
    first = 0
    with running_collector(store_url) as collector:
        for number in range(1 + FURTHER):
            messages = [message.replace(b"fwnfvyj", b"fwnf%03d" % number) for message in chat()]
            stored(collector, messages, str(BASE["requestId"]).replace("fwnfvyj", f"fwnf{number:03d}"))
            if number == 0:
                first = size_bytes(store_url)
        cost = (size_bytes(store_url) - first) / FURTHER
    print(f"{cost:,.0f} bytes")
    assert cost < MOST_BYTES


def stored(collector: Running, messages: list[bytes], request_id: str) -> dict[str, Any]:
    """Post a chat, shuffled, and wait for its call."""
    random.Random(11).shuffle(messages)
    for start in range(0, len(messages), 100):
        body = b"\n".join(messages[start : start + 100])
        assert 200 == collector.send("POST", "/v1/events", body, {"content-type": "application/x-ndjson"}).status
    return eventually(lambda: _settled(collector.wait_for_calls(request_id)[request_id]))


def _settled(call: dict[str, Any]) -> dict[str, Any] | None:
    return call if call["chunk_count"] == CHUNKS else None
