"""
What the server writes to standard error: with JSON asked for, one object a line, whoever speaks; never what somebody sent.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.kills.nursery import Nursery
from tests.end_to_end.warm import WarmCollector
from tests.fakes.running import Running, chat_call

SPEAKERS = """
import logging, sys, threading, warnings
import structlog
from collector.errors import StoreUnavailable
from collector.logs import configure_logs

configure_logs(level="info", log_format=sys.argv[1])
log = structlog.get_logger("ours")
log.info("spans_exported", count=3)
logging.getLogger("uvicorn.error").error("theirs")
warnings.warn("old thing")

def fail():
    try:
        raise ValueError("secret prompt")
    except ValueError as exc:
        raise StoreUnavailable("the disk is full") from exc

try:
    fail()
except StoreUnavailable:
    log.exception("told")
    logging.getLogger("theirs").exception("told too")
thread = threading.Thread(target=lambda: [][1], name="worker")
thread.start()
thread.join()
raise KeyError("secret prompt")
"""


def spoken(log_format: str) -> tuple[int, str]:
    """The exit code of a process in which all kinds of speakers speak, and what it wrote."""
    command = [sys.executable, "-c", SPEAKERS, log_format]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stderr


def test_json_is_one_object_a_line() -> None:
    """
    Our lines, a library's, a warning, exceptions in a log line, in a thread and at the end: each is an object with its level.
    """
    code, text = spoken("json")
    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]

    assert 1 == code
    assert ["info", "error", "warning", "error", "error", "critical", "critical"] == [line["level"] for line in lines]
    assert all(line["event"] and line["timestamp"] and line["logger"] for line in lines)
    exported, _, warned, told, told_too, in_thread, at_end = lines
    assert 3 == exported["count"]
    assert "old thing" in warned["event"]
    for line in (told, told_too):
        assert "StoreUnavailable: the disk is full" in line["exception"]
        assert "ValueError" in line["exception"]
    assert ("worker", True) == (in_thread["thread"], "IndexError" in in_thread["exception"])
    assert "KeyError" in at_end["exception"]
    assert "KeyError: " not in text
    assert "ValueError: " not in text


def test_the_words_of_foreign_exceptions_are_left_out() -> None:
    """
    A driver's or parser's error may quote a prompt: its type and place are enough.
    """
    _, text = spoken("console")

    assert "ValueError" in text
    assert "KeyError" in text
    assert 'KeyError("secret prompt")' not in text.replace('raise KeyError("secret prompt")', "")
    assert "ValueError: secret" not in text
    assert "KeyError: " not in text


@pytest.mark.timeout(300)
def test_a_whole_collector_speaks_json(sqlite_url: str, tmp_path: Path, nursery: Nursery) -> None:
    """
    From `ready` to `stopped` every line of both streams is an object, also about what went wrong; none has a payload or a key.
    """
    env = {"HOOKLINE_LOG_FORMAT": "json", "HOOKLINE_API_KEY": "key-that-is-secret", "HOOKLINE_LOG_LEVEL": "debug"}
    process = WarmCollector(database_url=sqlite_url, log_path=tmp_path / "log", env=env, nursery=nursery).start()
    collector = Running(url=process.url, server=None)  # pyright: ignore[reportArgumentType]
    assert 200 == collector.post_events(*chat_call("call", content="secret prompt"), key="key-that-is-secret").status
    assert 401 == collector.post_events(*chat_call("call"), key="another-secret-key").status
    assert 400 == collector.send("POST", "/v1/events", b'["secret prompt"', _headers("key-that-is-secret")).status
    assert 422 == collector.post_events({"secret prompt": 1}, key="key-that-is-secret").status
    (tmp_path / "hookline.db").rename(tmp_path / "away.db")
    assert 503 == collector.post_events(*chat_call("late", content="secret prompt"), key="key-that-is-secret").status
    (tmp_path / "away.db").rename(tmp_path / "hookline.db")
    process.stop()
    text = process.log_path.read_text()

    events = [json.loads(line)["event"] for line in text.splitlines()]
    assert "ready" == events[0]
    assert "stopped" == events[-1]
    assert "commit_failed" in events
    assert "secret" not in text


def _headers(key: str) -> dict[str, str]:
    return {"content-type": "application/json", "authorization": f"Bearer {key}"}
