"""
What is special to the file: whole lines only, private, and a path that can't be written stops the start.
"""

import json
import os
import resource
import stat
from pathlib import Path

import pytest

from collector.errors import WrongSettings
from collector.exporters.jsonl import JsonlExporter
from collector.exporters.protocol import Later, Sent
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


@pytest.mark.parametrize("kind", ["/dev/null", "fifo"])
def test_path_that_is_no_file(tmp_path: Path, kind: str) -> None:
    """
    A pipe or device can't take lines back, and a pipe without a reader must not hang the start.
    """
    path = tmp_path / "spans.jsonl"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(kind)

    with pytest.raises(WrongSettings, match="HOOKLINE_EXPORT_JSONL"):
        JsonlExporter(path)


def test_full_disk_keeps_the_spans_waiting(tmp_path: Path) -> None:
    """
    Later, with the system's words; once there is room each line is there once.
    """
    path = tmp_path / "spans.jsonl"
    exporter = JsonlExporter(path)
    spans = [exporter.encode(a_span(n)) for n in (1, 2)]
    path.unlink()
    path.symlink_to("/dev/full")
    assert [Later(reason="can't write spans.jsonl: No space left on device")] * 2 == exporter.send(a_resource(), spans)

    path.unlink()
    assert [Sent(), Sent()] == exporter.send(a_resource(), spans)
    assert 2 == len(path.read_text().splitlines())


def test_disk_that_fills_in_the_middle_of_a_line(tmp_path: Path) -> None:
    """
    What was written of the lines is taken back: the file has whole lines only, and those before stay.
    """
    path = tmp_path / "spans.jsonl"
    exporter = JsonlExporter(path)
    exporter.send(a_resource(), [exporter.encode(a_span(1))])
    big = [exporter.encode(a_span(n, attributes={"text": "x" * 30_000})) for n in (2, 3)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    try:
        outcomes = exporter.send(a_resource(), big)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert {Later} == {type(outcome) for outcome in outcomes}
    assert [f"{1:016x}"] == [json.loads(line)["span_id"] for line in path.read_text().splitlines()]
    assert [Sent(), Sent()] == exporter.send(a_resource(), big)
    assert [1, 2, 3] == [int(json.loads(line)["span_id"], 16) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("kept", [1, 5, 13, 100])
def test_torn_line_of_a_killed_process_is_taken_back(tmp_path: Path, kept: int) -> None:
    """
    Its span comes again; nothing that reads the file stumbles over half a line.
    """
    path = tmp_path / "spans.jsonl"
    exporter = JsonlExporter(path)
    exporter.send(a_resource(), [exporter.encode(a_span(1)), exporter.encode(a_span(2))])
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:kept])

    exporter.send(a_resource(), [exporter.encode(a_span(2))])

    assert first + second == path.read_bytes()


def test_last_line_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    """
    A file that was there, without a newline at its end: it gets one.
    """
    path = tmp_path / "spans.jsonl"
    path.write_text("notes")
    exporter = JsonlExporter(path)
    exporter.send(a_resource(), [exporter.encode(a_span(1))])

    notes, line = path.read_text().splitlines()
    assert "notes" == notes
    assert f"{1:016x}" == json.loads(line)["span_id"]
