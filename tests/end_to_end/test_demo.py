"""
`hookline demo --once` and `make demo ONCE=1`: the whole product in one command.
"""

import re
import subprocess
import sys
from collections import Counter

import pytest

from tests.fakes.environment import clean_environment

EXPECTED_TYPES = (
    "text:request:started",
    "text:request:completed",
    "text:request:error",
    "text:request:aborted",
    "text:chunk:content",
    "image:request:completed",
    "embedding:request:completed",
    "agent:request:completed",
    "tools:call:completed",
)

CALL = re.compile(
    r"^ \S (?P<status>\w+) +(?P<operation>\w+) +(?P<model>\S+) +[\d.]+ (?:ms|s|min) .* (?P<trace>[0-9a-f]{32}) *$",
    flags=re.MULTILINE,
)
CALLS = Counter(
    {
        ("ok", "chat", "gpt-4o-mini"): 2,
        ("ok", "chat", "gpt-4o"): 3,
        ("ok", "chat", "gpt-5"): 1,
        ("ok", "invoke_agent", "–"): 2,
        ("ok", "embeddings", "text-embedding-3-small"): 1,
        ("ok", "image_generation", "gpt-image-1"): 1,
        ("ok", "image_generation", "gpt-5-2024-07-18"): 1,
        ("error", "chat", "no-such-model"): 1,
        ("aborted", "chat", "gpt-4o-mini"): 1,
    }
)
FAMILIES = [["chat", "chat", "invoke_agent"], ["chat", "chat", "invoke_agent"], ["chat", "image_generation"]]
"""The calls of each trace that has several."""


@pytest.mark.timeout(300)
def test_demo_once_prints_events_calls_and_traces() -> None:
    """
    It ends with 0 and has printed every kind of event that the scenario makes, calls with durations, and trace ids.
    """
    environment = clean_environment()
    done = subprocess.run(
        [sys.executable, "-m", "collector", "demo", "--once"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert 0 == done.returncode, done.stdout[-3000:] + done.stderr[-3000:]
    for event_type in EXPECTED_TYPES:
        assert event_type in done.stdout
    found = [call.groupdict() for call in CALL.finditer(done.stdout)]
    assert CALLS == Counter((call["status"], call["operation"], call["model"]) for call in found)
    traces: dict[str, list[str]] = {}
    for call in found:
        traces.setdefault(call["trace"], []).append(call["operation"])
    assert FAMILIES == sorted(sorted(operations) for operations in traces.values() if len(operations) > 1)
    assert "Traceback" not in done.stdout + done.stderr
