"""
Recorded TanStack AI traffic through HTTP into both databases, against the answer key.

The recordings' times lie behind the receipt, so the pipeline is run by hand with a clock that stands past every timeout.
"""

import http.client
import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from collector.pipeline.pipeline import Pipeline
from collector.storage.engines import open_store
from collector.storage.protocols import Reader
from tests.end_to_end.database import count, query
from tests.fakes.clock import FakeClock
from tests.fakes.running import running_collector

TESTS = Path(__file__).parents[1]
ANSWERS: dict[str, dict[str, dict[str, Any]]] = json.loads((TESTS / "golden" / "tanstack_answers.json").read_text())
RECORDINGS = {name: (TESTS / "fixtures" / "tanstack" / name).read_bytes().splitlines() for name in sorted(ANSWERS)}
EXPECTED = {request_id: answer for of_file in ANSWERS.values() for request_id, answer in of_file.items()}
LINES = [line for lines in RECORDINGS.values() for line in lines]
IDLE_MS = 1_800_000
CONNECTIONS = 8
PROJECT = "default"

Posts = Iterable[list[bytes]]


def file_by_file() -> Posts:
    return RECORDINGS.values()


def all_at_once() -> Posts:
    return [LINES]


def shuffled_single_posts() -> Posts:
    lines = list(LINES)
    random.Random(7).shuffle(lines)
    return [[line] for line in lines]


@pytest.mark.parametrize(
    "way",
    [
        file_by_file,
        pytest.param(all_at_once, marks=pytest.mark.long),
        pytest.param(shuffled_single_posts, marks=pytest.mark.long),
    ],
)
def test_recordings_become_the_calls_of_the_answer_key(way: Callable[[], Posts], store_url: str) -> None:
    """
    Nothing is rejected; each line is one row; posted again all are duplicates; every call is what the key says.
    """
    with running_collector(database_url=store_url, settle_ms=60_000) as collector:
        assert {"accepted": len(LINES), "duplicates": 0, "rejected": []} == _post(collector.url, way())
        assert {"accepted": 0, "duplicates": len(LINES), "rejected": []} == _post(collector.url, way())

    assert len(LINES) == count(store_url, "SELECT count(*) FROM events")
    found = _assembled(store_url)
    assert set(EXPECTED) == set(found)
    for request_id, answer in EXPECTED.items():
        assert answer == found[request_id], request_id


def test_images_and_speech_are_blobs(store_url: str) -> None:
    """Inline media leave the rows and are kept once, by their content, with their bytes."""
    with running_collector(database_url=store_url, settle_ms=60_000) as collector:
        _post(collector.url, [RECORDINGS["image.jsonl"], RECORDINGS["speech.jsonl"]])

    blobs = {row["media_type"]: bytes(row["content"]) for row in query(store_url, "SELECT media_type, content FROM blobs")}
    assert {"image/png", "audio/mpeg"} == set(blobs)
    assert blobs["image/png"].startswith(b"\x89PNG")
    assert b"ID3-fake-mp3-bytes" == blobs["audio/mpeg"]
    assert 0 == count(store_url, "SELECT count(*) FROM events WHERE payload LIKE '%iVBORw0KGgo%'")


def test_client_and_server_of_a_run_meet_in_its_trace(store_url: str) -> None:
    """
    By runId: the client's word that it cancelled ends the server's call, at that call's last own event, and the trace lists it.
    """
    with running_collector(database_url=store_url, settle_ms=60_000) as collector:
        _post(collector.url, [RECORDINGS["client-sse.jsonl"]])
    _assembled(store_url)
    store = open_store(store_url, settle_ms=0)
    try:
        (call,) = (row for row in query(store_url, "SELECT * FROM calls") if row["status"] == "aborted")
        trace = store.trace(PROJECT, call["trace_id"])
    finally:
        store.close()

    sent = [json.loads(line) for line in RECORDINGS["client-sse.jsonl"]]
    of_run = [one for one in sent if one["payload"].get("runId") == call["run_id"]]
    own = [one["payload"]["timestamp"] for one in of_run if one["payload"].get("requestId") == call["request_id"]]
    clients = sorted(one["type"].partition(":")[2] for one in of_run if "requestId" not in one["payload"])
    assert max(own) == call["end_ms"]
    assert [call["request_id"]] == [row["request_id"] for row in trace["calls"]]
    assert {"run:created", "run:started", "run:cancelled"} <= set(clients)
    assert clients == sorted(row["type"] for row in trace["events"])


def _post(url: str, posts: Posts) -> dict[str, Any]:
    """The sum of the answers, over a few connections at a time."""
    bodies = [b"\n".join(lines) for lines in posts]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        answers = pool.map(lambda share: list(_answers(url, share)), [bodies[n::CONNECTIONS] for n in range(CONNECTIONS)])
        told = [answer for of_connection in answers for answer in of_connection]
    return {
        "accepted": sum(answer["accepted"] for answer in told),
        "duplicates": sum(answer["duplicates"] for answer in told),
        "rejected": [rejection for answer in told for rejection in answer["rejected"]],
    }


def _answers(url: str, bodies: list[bytes]) -> Iterator[dict[str, Any]]:
    with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=100)) as connection:
        for body in bodies:
            connection.request("POST", "/v1/events", body=body, headers={"Content-Type": "application/x-ndjson"})
            answer = connection.getresponse()
            assert 200 == answer.status
            yield json.load(answer)


def _assembled(store_url: str) -> dict[str, dict[str, Any]]:
    """Every call in the words of the answer key, once even the idle timeout is over."""
    store = open_store(store_url, settle_ms=0)
    try:
        clock = FakeClock(round(time.time() * 1000) + 2 * IDLE_MS)
        pipeline = Pipeline(store, (), settle_ms=0, idle_timeout_ms=IDLE_MS, clock=clock)
        while pipeline.run_once():
            pass
        return {row["request_id"]: _told(store, row["request_id"]) for row in query(store_url, "SELECT request_id FROM calls")}
    finally:
        store.close()


def _told(store: Reader, request_id: str) -> dict[str, Any]:
    call = store.call(PROJECT, request_id)
    assert call is not None
    details = store.call_details(PROJECT, request_id)
    same = ("operation", "status", "start_ms", "end_ms", "duration_ms", "time_to_first_chunk_ms", "provider", "model")
    tokens = {name: call[f"{name}_tokens"] for name in ("input", "output", "cache_read", "cache_write", "reasoning")}
    told = {
        **{name: call[name] for name in same},
        "question": call["prompt_preview"],
        "text": call["answer_preview"],
        "finish_reason": call["finish_reason"],
        "chunks": call["chunk_count"],
        "images": call["image_count"],
        "tokens": tokens if call["usage_source"] == "provider" else None,
        "tools": [_told_tool(tool) for tool in details["tool_calls"]],
        "error_type": call["error_type"],
        "error": call["error_message"],
    }
    turns = [_told_turn(span) for span in details["spans"] if span["kind"] == "model_call"]
    return told | ({"model_calls": turns} if turns else {})


def _told_tool(tool: Any) -> dict[str, Any]:
    same = ("status", "error", "start_ms", "end_ms", "duration_ms")
    parsed = {name: _parsed(tool[name]) for name in ("arguments", "result")}
    return {"id": tool["tool_call_id"], "name": tool["tool_name"], **parsed, **{name: tool[name] for name in same}}


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _told_turn(span: Any) -> dict[str, Any]:
    told = span["attributes"]
    return {
        "start_ms": span["start_ns"] // 1_000_000,
        "end_ms": span["end_ns"] // 1_000_000,
        "input": told["gen_ai.usage.input_tokens"],
        "output": told["gen_ai.usage.output_tokens"],
        "finish_reason": told["gen_ai.response.finish_reasons"][0],
    }
