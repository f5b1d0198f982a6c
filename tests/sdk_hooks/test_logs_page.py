"""docs/logs.md: its snippets run, and say what the page says."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from tests.fakes.collected import recording

PAGE = Path(__file__).parents[2] / "docs" / "logs.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@contextmanager
def own_logging() -> Iterator[None]:
    """As in a fresh process: pytest has handlers of its own, and what a snippet configures must not stay."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()


def run(snippet: str) -> None:
    with recording(), own_logging():
        exec(compile(snippet, str(PAGE), "exec"), {})


def test_filter_on_a_handler(capsys: pytest.CaptureFixture[str]) -> None:
    """The line has the agent's request id, and an empty trace id outside of a span."""
    run(SNIPPETS[0])

    assert re.fullmatch(r"INFO planning the trip request_id=req-\S+ trace_id=\n", capsys.readouterr().err)


def test_filter_by_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    """The name in the configuration is found, and a line outside of everything is written too."""
    run(SNIPPETS[1])

    assert "configured \n" == capsys.readouterr().err


def test_structlog_processor(capsys: pytest.CaptureFixture[str]) -> None:
    """The ids are fields of the event."""
    run(SNIPPETS[2])

    told = json.loads(capsys.readouterr().out)
    assert "planning the trip" == told.pop("event")
    assert ["request_id"] == list(told)


def test_every_snippet_is_run() -> None:
    """A new one needs a test."""
    assert 3 == len(SNIPPETS)
