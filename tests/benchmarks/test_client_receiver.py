"""The benchmark of the client's cost counts only calls whose record is whole: a hook that records less must not win."""

import subprocess
import sys
from typing import Any

import pytest

from benchmarks.client_overhead import ROOT
from benchmarks.client_receiver import Seen
from benchmarks.client_said import MESSAGES, STREAMED, TOTAL_TOKENS, WORDS


def streamed() -> list[dict[str, Any]]:
    """The events of one stream."""
    chunks = [{"delta": word, "offsetMs": 0} for word in WORDS]
    return [
        {"type": "text:request:started", "requestId": "r", "messages": MESSAGES},
        {"type": "text:chunk:content", "requestId": "r", "chunks": chunks[:40]},
        {"type": "text:chunk:content", "requestId": "r", "chunks": chunks[40:]},
        {
            "type": "text:request:completed",
            "requestId": "r",
            "streaming": True,
            "content": STREAMED,
            "usage": {"totalTokens": TOTAL_TOKENS},
        },
    ]


def whole(events: list[dict[str, Any]]) -> int:
    seen = Seen()
    for event in events:
        seen.add(event)
    return seen.whole


def test_whole_call_counts_once():
    """Messages, every piece of the text, the text and the usage are there."""
    assert 1 == whole(streamed())


@pytest.mark.parametrize("missing", range(4))
def test_call_that_lacks_an_event_does_not_count(missing: int):
    """Its start, some of its pieces, or its end."""
    events = streamed()
    del events[missing]
    assert 0 == whole(events)


@pytest.mark.parametrize(
    ("event", "name", "value"),
    [
        (0, "messages", [{"role": "user", "content": "Something else"}]),
        (2, "chunks", [{"delta": "other", "offsetMs": 0}]),
        (3, "content", ""),
        (3, "usage", {}),
    ],
)
def test_call_that_says_something_else_does_not_count(event: int, name: str, value: object):
    """Every field is compared with what was said and answered."""
    events = streamed()
    events[event][name] = value
    assert 0 == whole(events)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_run_fails_with_a_hook_that_records_nothing():
    """One round of the benchmark with a hook that is faster than ours because it does nothing."""
    command = [sys.executable, "-m", "benchmarks.client_overhead", "--part", "isolated", "--sdk", "openai", "--rounds", "1"]
    done = subprocess.run([*command, "--hook", "silent"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "arrived whole: 0" in done.stderr
