"""
Real TanStack AI traffic, through the way in and assembly, against an answer key that was written down by reading the files.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from collector.assembly.assembler import assemble
from collector.events import Batch
from collector.spans import Assembled
from collector.validation import read_batch
from tests.collector.assembly.stored import IDLE_MS, no_price, stored_calls

TESTS = Path(__file__).parents[2]
FILES = TESTS / "fixtures" / "tanstack"
ANSWERS: dict[str, dict[str, dict[str, Any]]] = json.loads((TESTS / "golden" / "tanstack_answers.json").read_text())
RECEIVED_MS = 1_795_400_000_000
ALL = {request_id: answer for of_file in ANSWERS.values() for request_id, answer in of_file.items()}


def lines_of(*names: str) -> list[bytes]:
    return [line for name in names for line in (FILES / name).read_bytes().splitlines()]


def posted(lines: list[bytes], received_ms: int = RECEIVED_MS) -> Batch:
    result = read_batch(b"\n".join(lines), media="ndjson", project="default", received_ms=received_ms)
    assert () == result.rejected
    return result.batch


def assemble_all(*batches: Batch) -> dict[str, Assembled]:
    """Every call of the batches, looked at when even the idle timeout is over."""
    calls = stored_calls(batches, now_ms=RECEIVED_MS + IDLE_MS)
    return {request_id: assemble(call, price=no_price) for request_id, call in calls.items()}


def told(outcome: Assembled) -> dict[str, Any]:
    """The outcome in the words of the answer key."""
    call = outcome.call
    usage = {
        "input": call.usage.input_tokens,
        "output": call.usage.output_tokens,
        "cache_read": call.usage.cache_read_tokens,
        "cache_write": call.usage.cache_write_tokens,
        "reasoning": call.usage.reasoning_tokens,
    }
    answer: dict[str, Any] = {
        "operation": call.operation,
        "status": call.status,
        "start_ms": call.start_ms,
        "end_ms": call.end_ms,
        "duration_ms": call.duration_ms,
        "time_to_first_chunk_ms": call.time_to_first_chunk_ms,
        "provider": call.provider,
        "model": call.model,
        "question": call.prompt_preview,
        "text": call.answer_preview,
        "finish_reason": call.finish_reason,
        "chunks": call.chunk_count,
        "images": call.image_count,
        "tokens": usage if call.usage_source == "provider" else None,
        "tools": [_told_tool(tool) for tool in outcome.tool_calls],
        "error_type": call.error_type,
        "error": call.error_message,
    }
    turns = [_told_turn(span) for span in outcome.spans if span.kind == "model_call"]
    return answer | ({"model_calls": turns} if turns else {})


def _told_tool(tool: Any) -> dict[str, Any]:
    return {
        "id": tool.tool_call_id,
        "name": tool.tool_name,
        "arguments": json.loads(tool.arguments),
        "result": json.loads(tool.result),
        "status": tool.status,
        "error": tool.error,
        "start_ms": tool.start_ms,
        "end_ms": tool.end_ms,
        "duration_ms": tool.duration_ms,
    }


def _told_turn(span: Any) -> dict[str, Any]:
    return {
        "start_ms": span.start_ns // 1_000_000,
        "end_ms": span.end_ns // 1_000_000,
        "input": span.attributes["gen_ai.usage.input_tokens"],
        "output": span.attributes["gen_ai.usage.output_tokens"],
        "finish_reason": span.attributes["gen_ai.response.finish_reasons"][0],
    }


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_every_call_of_a_recording_is_what_its_file_says(name: str) -> None:
    """One call a requestId, each with the status, times, tokens, tools and text that a reader of the file finds."""
    found = {request_id: told(outcome) for request_id, outcome in assemble_all(posted(lines_of(name))).items()}

    assert ANSWERS[name] == found


def test_every_recording_has_an_answer() -> None:
    """No file is left out of the key."""
    assert {path.name for path in FILES.glob("*.jsonl")} == set(ANSWERS)


def test_all_recordings_at_once_keep_their_calls_apart() -> None:
    """Sixteen files in one post: nothing of one call shows in another."""
    found = assemble_all(posted(lines_of(*sorted(ANSWERS))))

    assert {request_id: told(outcome) for request_id, outcome in found.items()} == ALL


@pytest.mark.parametrize("seed", range(4))
def test_order_of_arrival_changes_nothing(seed: int) -> None:
    """Shuffled, and each line a post of its own: calls, spans, tools, usage and health are equal to the last bit."""
    lines = lines_of(*sorted(ANSWERS))
    expected = assemble_all(posted(lines))
    random.Random(seed).shuffle(lines)

    assert assemble_all(*[posted([line]) for line in lines]) == expected


def test_everything_sent_twice_changes_nothing() -> None:
    """A repeated post is the same events: the second copy is dropped, and assembly sees no difference."""
    lines = lines_of(*sorted(ANSWERS))
    expected = assemble_all(posted(lines))

    assert assemble_all(posted(lines + lines)) == expected
    assert assemble_all(posted(lines), posted(lines[::-1])) == expected


def test_spans_of_a_recording_hang_together() -> None:
    """One call span a call; the others are its children, in its trace, inside its time."""
    for outcome in assemble_all(posted(lines_of(*sorted(ANSWERS)))).values():
        top, *rest = outcome.spans
        assert ("call", outcome.call.span_id) == (top.kind, top.span_id)
        for span in rest:
            assert (top.span_id, top.trace_id) == (span.parent_span_id, span.trace_id)
            assert top.start_ns <= span.start_ns <= span.end_ns <= top.end_ns


def test_video_polls_of_a_job_share_a_trace() -> None:
    """Each poll is a request of its own; the jobId joins them."""
    traces = {outcome.call.trace_id for outcome in assemble_all(posted(lines_of("video.jsonl"))).values()}

    assert 1 == len(traces)
