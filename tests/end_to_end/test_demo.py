"""
`hookline demo --once` and `make demo ONCE=1`: the whole product in one command.
"""

import os
import subprocess
import sys

import pytest

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


@pytest.mark.timeout(120)
def test_demo_once_prints_events_calls_and_traces() -> None:
    """
    It ends with 0 and has printed every kind of event that the scenario makes, calls with durations, and trace ids.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HOOKLINE_", "OTEL_"))}
    done = subprocess.run(
        [sys.executable, "-m", "collector", "demo", "--once"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert 0 == done.returncode, done.stdout[-3000:] + done.stderr[-3000:]
    for event_type in EXPECTED_TYPES:
        assert event_type in done.stdout
    assert "invoke_agent" in done.stdout or "chat" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
