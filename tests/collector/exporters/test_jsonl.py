"""
What is special to the file: whole lines only, private, and a path that can't be written stops the start.
"""

import json
import stat
from pathlib import Path

import pytest

from collector.errors import WrongSettings
from collector.exporters.jsonl import JsonlExporter
from tests.fakes.spans import a_resource, a_span


def test_line_tells_the_span(tmp_path: Path) -> None:
    """
    One JSON object a line, with the resource; what is not known is not there.
    """
    exporter = JsonlExporter(tmp_path / "new" / "spans.jsonl")
    exporter.send(a_resource("shop"), [exporter.encode(a_span(status="error", error_type="RateLimit"))])

    (line,) = (tmp_path / "new" / "spans.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert ("chat gpt-1", "client", "error", "RateLimit", 250.0) == (
        told["name"],
        told["kind"],
        told["status"],
        told["error_type"],
        told["duration_ms"],
    )
    assert "shop" == told["resource"]["service.name"]
    assert "parent_span_id" not in told


def test_file_is_for_the_owner_only(tmp_path: Path) -> None:
    """
    Spans may hold what people wrote.
    """
    JsonlExporter(tmp_path / "spans.jsonl")

    assert 0o600 == stat.S_IMODE((tmp_path / "spans.jsonl").stat().st_mode)


def test_file_may_be_moved_away(tmp_path: Path) -> None:
    """
    Log rotation: the next spans go to a new file.
    """
    path = tmp_path / "spans.jsonl"
    exporter = JsonlExporter(path)
    exporter.send(a_resource(), [exporter.encode(a_span(1))])
    path.rename(tmp_path / "old")
    exporter.send(a_resource(), [exporter.encode(a_span(2))])

    assert 1 == len(path.read_text().splitlines())


def test_path_that_cannot_be_written(tmp_path: Path) -> None:
    """
    Told at the start, with the variable's name.
    """
    with pytest.raises(WrongSettings, match="HOOKLINE_EXPORT_JSONL"):
        JsonlExporter(tmp_path)
