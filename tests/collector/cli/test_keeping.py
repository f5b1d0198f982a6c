"""
The commands of keeping: on the database itself, and through the collector that owns it.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector.cli.commands import run_command
from collector.cli.sizes import read_size, show_size
from collector.errors import BadRequest
from tests.end_to_end.database import count
from tests.fakes.running import Running, chat_call, eventually, running_collector

Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, sqlite_url: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """
    A command with `--json` on the test's database: its exit code and what it said.
    """
    monkeypatch.setenv("HOOKLINE_DATABASE_URL", sqlite_url)

    def command(*arguments: str, server: Running | None = None) -> tuple[int, Any]:
        monkeypatch.setenv("HOOKLINE_URL", server.url if server else "http://127.0.0.1:9")
        capsys.readouterr()
        code = run_command([*arguments, "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out.strip() else said.err

    return command


def test_forget_through_the_collector_that_serves(run: Run, sqlite_url: str):
    """
    Counted first, then gone, with the file written anew, while the collector goes on taking events.
    """
    with running_collector(sqlite_url) as running:
        running.post_events(*chat_call("a", userId="ann"), *chat_call("b", userId="bob"))
        running.wait_for_calls("a", "b")

        code, plan = run("forget", "--user-id", "ann", "--dry-run", server=running)
        assert (0, 1, 3) == (code, plan["would_remove"]["calls"], plan["would_remove"]["events"])
        assert 404 != running.get("/v1/calls/a").status
        code, done = run("forget", "--user-id", "ann", "--yes", server=running)

        assert (0, 1, 3) == (code, done["removed"]["calls"], done["removed"]["events"])
        assert done["bytes_after"] > 0
        assert (404, 200) == (running.get("/v1/calls/a").status, running.get("/v1/calls/b").status)
        assert 200 == running.post_events(*chat_call("c", userId="ann")).status
        code, freed = run("db", "vacuum", server=running)
        assert (0, True) == (code, freed["bytes_after"] > 0)
    assert 0 == count(sqlite_url, "SELECT count(*) FROM events WHERE request_id = 'a'")


def test_forget_asks_before_it_removes(run: Run, sqlite_url: str):
    """
    Without a terminal nobody can be asked: nothing is removed, and the command says what to say.
    """
    with running_collector(sqlite_url) as running:
        running.post_events(*chat_call("a", userId="ann"))
        running.wait_for_calls("a")
    code, said = run("forget", "--user-id", "ann")
    assert "--yes" in said

    assert 1 == code
    assert 1 == count(sqlite_url, "SELECT count(*) FROM calls")
    assert 1 == run("forget")[0]
    assert 1 == run("forget", "--user-id", "a", "--session-id", "b")[0]
    code, done = run("forget", "--user-id", "ann", "--yes")
    assert (0, 1) == (code, done["removed"]["calls"])


def test_limits_of_a_project(run: Run, sqlite_url: str):
    """
    Set, listed and taken back, on the file and through the collector alike.
    """
    assert 0 == run("retention", "set", "shop", "--days", "90", "--max-bytes", "1.5GB")[0]
    with running_collector(sqlite_url) as running:
        expected = {"project": "shop", "days": 90, "max_bytes": 1_500_000_000}
        assert [expected] == run("retention", "list", server=running)[1]["items"]
        assert 0 == run("retention", "set", "shop", "--default", server=running)[0]
        assert [] == run("retention", "list", server=running)[1]["items"]
    assert 1 == run("retention", "set", "shop")[0]
    assert 1 == run("retention", "set", "shop", "--default", "--days", "3")[0]


def test_backup_and_copy(run: Run, sqlite_url: str, tmp_path: Path):
    """
    While a collector serves: a file, a copy; a second backup of the same name is refused (2).
    """
    with running_collector(sqlite_url) as running:
        running.post_events(*chat_call("a"))
        running.wait_for_calls("a")
        code, made = run("db", "backup", str(tmp_path / "backup.db"), server=running)
        assert (0, str(tmp_path / "backup.db")) == (code, made["path"])
        assert 2 == run("db", "backup", str(tmp_path / "backup.db"), server=running)[0]
        copied = f"sqlite:///{tmp_path}/copy.db"
        code, reports = run("db", "copy", "--from", sqlite_url, "--to", copied)
    assert 0 == code
    assert all(report["is_equal"] for report in reports["tables"])
    assert 1 == count(copied, "SELECT count(*) FROM calls")


def test_copy_shows_people_how_far_it_is(run: Run, sqlite_url: str, tmp_path: Path):
    """
    On a terminal a bar a table, gone at the end; the table of counts stays.
    """
    with running_collector(sqlite_url) as running:
        running.post_events(*chat_call("a"))
        running.wait_for_calls("a")
    code, shown = on_a_terminal("db", "copy", "--from", sqlite_url, "--to", f"sqlite:///{tmp_path}/copy.db")

    assert 0 == code, shown
    assert re.search(r"copy events .*━.* 3/3", shown), shown
    assert re.search(r"events +3 +3 ", shown), shown


def on_a_terminal(*arguments: str) -> tuple[int, str]:
    """
    A command whose output is a terminal of 120 columns: its exit code, and all that was written there.
    """
    ours, its = os.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "120", "NO_COLOR": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "collector", *arguments], env=environment, stdin=its, stdout=its, stderr=its
    ) as command:
        os.close(its)
        said = bytearray()
        # The end of a terminal is an error on Linux, and nothing to read elsewhere.
        with contextlib.suppress(OSError), open(ours, "rb", buffering=0) as terminal:
            while part := terminal.read(65_536):
                said += part
    return command.returncode, said.decode()


@pytest.mark.parametrize(("text", "size"), [("500MB", 500_000_000), ("1.5 GiB", 1_610_612_736), ("42", 42), ("0", 0)])
def test_sizes_are_read(text: str, size: int):
    """
    As people write them.
    """
    assert size == read_size(text)
    assert show_size(1_500_000_000) == "1.5 GB"


@pytest.mark.parametrize("text", ["", "big", "1 lightyear", "-3MB"])
def test_other_sizes_are_refused(text: str):
    """
    In words.
    """
    with pytest.raises(BadRequest):
        read_size(text)


def test_a_collector_keeps_to_its_limits(sqlite_url: str):
    """
    The setting alone does it: at its start the collector removes what is over the limit, and goes on serving.
    """
    with running_collector(sqlite_url) as running:
        running.post_events(*chat_call("a"))
        running.wait_for_calls("a")
    with running_collector(sqlite_url, retention_max_bytes=1) as running:
        eventually(lambda: running.get("/v1/calls/a").status == 404)
        assert 200 == running.post_events(*chat_call("b")).status
