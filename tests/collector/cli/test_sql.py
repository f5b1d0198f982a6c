"""
`hookline sql` as somebody types it.
"""

import io
import json
import os
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout

import pytest

from collector.__main__ import run
from tests.fakes.running import Running, chat_call, running_collector

LONG = "more and " * 40


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_collector(f"sqlite:///{tmp_path_factory.mktemp('cli-sql') / 'a.db'}") as running:
        prompt = {"role": "user", "content": LONG}
        long = [event | {"messages": [prompt]} if event["type"].endswith("started") else event for event in chat_call("long")]
        running.post_events(*chat_call("a"), *long)
        running.wait_for_calls("a", "long")
        yield running


def hookline(collector: Running, monkeypatch: pytest.MonkeyPatch, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    for name in [name for name in os.environ if name.startswith(("HOOKLINE_", "OTEL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOOKLINE_URL", collector.url)
    monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(["sql", *arguments])
    return code, out.getvalue(), err.getvalue()


def test_table_is_whole_where_no_terminal_is(collector: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With the names of the columns, NULL by its name, and no cell cut.
    """
    code, out, _ = hookline(collector, monkeypatch, "SELECT request_id, prompt_preview, NULL AS x FROM calls ORDER BY 1")
    assert 0 == code
    assert "request_id" in out
    assert "NULL" in out
    assert LONG.strip() in out


def test_forms_for_programs(collector: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    CSV, lines, JSON; the statement may come from standard input.
    """
    sql = "SELECT request_id AS id, duration_ms AS ms FROM calls WHERE request_id = :id AND duration_ms > :least"
    given = ("--param", "id=a", "--param", "least=1.5")
    assert (0, "id,ms\r\na,80.0\r\n", "") == hookline(collector, monkeypatch, "-", *given, "--csv", stdin=sql)
    assert {"id": "a", "ms": 80.0} == json.loads(hookline(collector, monkeypatch, sql, *given, "--jsonl")[1])
    found = json.loads(hookline(collector, monkeypatch, sql, *given, "--json")[1])
    assert {"columns": ["id", "ms"], "rows": [["a", 80.0]], "truncated": False} == found


def test_what_is_left_out_is_told_beside_the_rows(collector: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    On standard error, so that a file holds rows only.
    """
    for form in ("--csv", "--jsonl"):
        code, _, err = hookline(collector, monkeypatch, "SELECT request_id FROM calls", "--limit", "1", form)
        assert (0, True) == (code, "--limit" in err)


def test_failures_are_one_line(collector: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A wrong statement, a wrong parameter, two forms at once: exit code 1.
    """
    for arguments in (("SELECT nowhere FROM calls",), ("SELECT 1", "--param", "x"), ("SELECT 1", "--csv", "--json")):
        code, out, err = hookline(collector, monkeypatch, *arguments)
        assert (1, "", 1) == (code, out, err.count("\n"))
