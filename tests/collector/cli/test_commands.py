"""
The command line as somebody types it: processes of their own, their output and exit codes.
"""

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from collector.__main__ import run
from sdk_hooks.config import Config
from tests.fakes.environment import clean_environment
from tests.fakes.running import Running, chat_call, eventually, running_collector


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_collector(f"sqlite:///{tmp_path_factory.mktemp('cli') / 'a.db'}") as running:
        prompt = {"role": "user", "content": "tell me " + "more and " * 200}
        long = [event | {"messages": [prompt]} if event["type"].endswith("started") else event for event in chat_call("long")]
        running.post_events(*chat_call("a"), *long)
        running.wait_for_calls("a", "long")
        yield running


@dataclass(frozen=True)
class Done:
    """What a command printed."""

    stdout: str
    stderr: str


def hookline(*arguments: str, code: int = 0, **environment: str) -> Done:
    """Run a command in this process, in an environment of only these variables of ours, and expect an exit code."""
    before = dict(os.environ)
    out, err = io.StringIO(), io.StringIO()
    try:
        for name in before:
            if name.startswith(("HOOKLINE_", "OTEL_")):
                del os.environ[name]
        os.environ.update(environment)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            found = run(list(arguments))
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert code == found, out.getvalue() + err.getvalue()
    return Done(out.getvalue(), err.getvalue())


def in_a_process(*arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an environment without our variables, and expect an exit code."""
    clean = clean_environment()
    done = subprocess.run(
        [sys.executable, "-m", "collector", *arguments],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert code == done.returncode, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_reading_commands_print_what_http_says(collector: Running) -> None:
    """
    `--json` of calls, events and call is the answer of the route.
    """
    for arguments, path in (
        (("calls",), "/v1/calls"),
        (("events", "--type", "text:request:completed"), "/v1/events?type=text:request:completed"),
        (("call", "a"), "/v1/calls/a"),
    ):
        done = hookline(*arguments, "--json", HOOKLINE_URL=collector.url)
        assert collector.get(path).json == json.loads(done.stdout)


def test_nothing_is_cut_where_no_terminal_is(collector: Running) -> None:
    """
    One line a call in a pipe, however long, whatever COLUMNS says; whole ids.
    """
    done = hookline("calls", HOOKLINE_URL=collector.url, COLUMNS="40")
    lines = [line for line in done.stdout.splitlines() if "gpt-4o" in line]

    assert 2 == len(lines)
    assert all("80 ms" in line and ("Hello from a" in line or "Hello from long" in line) for line in lines)
    assert "…" not in done.stdout


def test_one_call_is_shown_as_a_tree(collector: Running) -> None:
    """
    Its span, durations, tokens and events.
    """
    shown = hookline("call", "a", HOOKLINE_URL=collector.url).stdout
    for word in ("└── chat gpt-4o", "80 ms", "7 in, 2 out", "text:request:completed", "Hello from a", f"{collector.url}/calls/a"):
        assert word in shown


def test_lists_in_a_pipe_are_a_heading_and_rows(sqlite_url: str) -> None:
    """
    No empty lines, no column that only repeats the id; `model` is the one asked for, as in SQL.
    """
    with running_collector(sqlite_url) as answering:
        answering.post_events(*chat_call("dated", responseModel="gpt-4o-2024-08-06"))
        assert "gpt-4o-2024-08-06" == answering.wait_for_calls("dated")["dated"]["response_model"]
        lines = hookline("calls", HOOKLINE_URL=answering.url).stdout.splitlines()

    assert all(line.strip() for line in lines)
    (line,) = [line for line in lines if "dated" in line.split()]
    assert "gpt-4o" in line.split()
    assert "gpt-4o-2024-08-06" not in line
    assert answering.url not in "".join(lines)


def test_a_missing_or_wrong_key_is_told_with_the_variable(sqlite_url: str) -> None:
    """
    Nobody types headers on a command line.
    """
    key = json.loads(hookline("keys", "create", "--json", HOOKLINE_DATABASE_URL=sqlite_url).stdout)["key"]
    with running_collector(sqlite_url) as closed:
        for shown in ({}, {"HOOKLINE_API_KEY": "hk_wrong"}):
            for command in ("calls", "doctor", "tail"):
                done = hookline(command, code=1, HOOKLINE_URL=closed.url, **shown)
                told = done.stdout + done.stderr
                assert "set HOOKLINE_API_KEY" in told
                assert "Bearer" not in told
        hookline("calls", HOOKLINE_URL=closed.url, HOOKLINE_API_KEY=key)


def test_failures_have_their_exit_codes(collector: Running, tmp_path: Path) -> None:
    """
    1 failed, 2 wrong settings with the variable, 3 nobody answers; each with a reason in one line.
    """
    away = f"http://127.0.0.1:{_closed_port()}"
    assert "no call" in hookline("call", "nobody", code=1, HOOKLINE_URL=collector.url).stderr
    assert "HOOKLINE_PORT" in hookline("serve", code=2, HOOKLINE_PORT="many").stderr
    assert "HOOKLINE_URL" in in_a_process("calls", code=2, HOOKLINE_URL="ftp:nowhere").stderr
    outside = in_a_process(
        "serve", code=2, HOOKLINE_HOST="0.0.0.0", HOOKLINE_PORT="0", HOOKLINE_DATABASE_URL=f"sqlite:///{tmp_path}/a.db"
    )
    assert "HOOKLINE_HOST" in outside.stderr
    for command in (("calls",), ("events", "--json"), ("tail",), ("doctor",)):
        told = hookline(*command, code=3, HOOKLINE_URL=away)
        assert away in told.stderr + told.stdout


@pytest.mark.parametrize(
    "url",
    [
        "mysql://name:hidden@host/db",
        "nonsense",
        "postgres://name:hidden@host/db",
        "postgresql+psycopg://name:hidden@host:port/db",
        "sqlite://",
        "sqlite:////proc/no-such-place/a.db",
    ],
)
@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["keys", "list"]])
def test_a_database_url_that_cannot_be_is_a_wrong_setting(url: str, command: list[str]) -> None:
    """Told in one line with the variable's name, without the password; no traceback."""
    told = hookline(*command, code=2, HOOKLINE_DATABASE_URL=url).stderr

    assert "HOOKLINE_DATABASE_URL" in told
    assert "hidden" not in told
    assert 1 == told.count("\n")


def test_taken_port_is_told_with_its_variable(collector: Running, tmp_path: Path) -> None:
    """
    Exit code 2: it is a setting.
    """
    port = collector.url.rpartition(":")[2]
    done = in_a_process("serve", code=2, HOOKLINE_PORT=port, HOOKLINE_DATABASE_URL=f"sqlite:///{tmp_path}/a.db")
    assert f"HOOKLINE_PORT: can't listen on {port}" in done.stderr


def test_doctor_finds_an_empty_collector_and_a_working_one(collector: Running, sqlite_url: str) -> None:
    """
    0 where all is well; nothing wrong either, but what to do, where nothing has arrived yet.
    """
    with running_collector(sqlite_url) as empty:
        found = json.loads(hookline("doctor", "--json", HOOKLINE_URL=empty.url).stdout)
    (events,) = [finding for finding in found["findings"] if finding["topic"] == "events"]
    assert (True, "note") == (found["ok"], events["level"])
    assert "instrument" in events["advice"]
    assert json.loads(hookline("doctor", "--json", HOOKLINE_URL=collector.url).stdout)["ok"]
    disabled = hookline("doctor", code=1, HOOKLINE_URL=collector.url, HOOKLINE_DISABLED="1")
    assert "HOOKLINE_DISABLED" in disabled.stdout


def test_doctor_tells_where_clients_really_send(collector: Running) -> None:
    """
    Commands look at HOOKLINE_PORT, clients don't: that is wrong, with the variable that makes it right.
    """
    port = collector.url.rpartition(":")[2]
    found = json.loads(hookline("doctor", "--json", code=1, HOOKLINE_PORT=port).stdout)["findings"]
    (client,) = [finding for finding in found if finding["topic"] == "client"]
    assert "bad" == client["level"]
    assert f"send to {Config({}).delivery().url} without a key" in client["says"]
    assert f"Set HOOKLINE_URL={collector.url}" in client["advice"]

    found = json.loads(hookline("doctor", "--json", HOOKLINE_URL=collector.url + "/", HOOKLINE_PORT="1").stdout)["findings"]
    (client,) = [finding for finding in found if finding["topic"] == "client"]
    assert ("ok", f"clients in this environment send to {collector.url} without a key") == (client["level"], client["says"])


def test_tail_follows_and_ends_after_a_count(collector: Running) -> None:
    """
    Lines come while it runs; what it follows is told at once, beside them.
    """
    command = [sys.executable, "-m", "collector", "tail", "--json", "--no-calls", "-n", "2"]
    environment = os.environ | {"HOOKLINE_URL": collector.url}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tail:
        assert tail.stderr is not None
        assert f"following {collector.url}; Ctrl-C ends it\n" == tail.stderr.readline()
        assert collector.server.collector is not None
        hub = collector.server.collector.hub
        eventually(lambda: hub.followers() == 1, limit_s=60)
        collector.post_events(*chat_call("tailed"))
        out, _ = tail.communicate(timeout=100)

    rows = [json.loads(line) for line in out.splitlines()]
    # The chunk between them is left out unless asked for.
    assert ["tailed-1", "tailed-3"] == [row["row"]["event_id"] for row in rows]
    assert 0 == tail.returncode


def test_keys_and_reassemble_with_and_without_a_running_collector(tmp_path: Path) -> None:
    """
    On a SQLite file of a running collector the commands go through it; without one they open the file.
    """
    url = f"sqlite:///{tmp_path / 'a.db'}"
    first = json.loads(hookline("keys", "create", "--name", "ci", "--json", HOOKLINE_DATABASE_URL=url).stdout)
    with running_collector(url) as running:
        environment = {"HOOKLINE_DATABASE_URL": url, "HOOKLINE_URL": running.url, "HOOKLINE_API_KEY": first["key"]}
        assert 3 == running.post_events(*chat_call("a"), key=first["key"]).json["accepted"]
        second = json.loads(hookline("keys", "create", "--scope", "read", "--json", **environment).stdout)
        assert 1 == json.loads(hookline("reassemble", "--request-id", "a", "--json", **environment).stdout)["calls"]
        assert 0 == json.loads(hookline("export", "--retry-dead", "--json", **environment).stdout)["spans"]
        hookline("keys", "revoke", second["key_id"], **environment)
        stranger = environment | {"HOOKLINE_URL": f"http://127.0.0.1:{_closed_port()}"}
        assert "HOOKLINE_URL" in hookline("reassemble", code=3, **stranger).stderr
    listed = json.loads(hookline("keys", "list", "--json", HOOKLINE_DATABASE_URL=url).stdout)["items"]

    by_id: dict[str, Any] = {row["key_id"]: row for row in listed}
    assert by_id[first["key_id"]]["revoked_ms"] is None
    assert ["read"] == by_id[second["key_id"]]["scopes"]
    assert by_id[second["key_id"]]["revoked_ms"] is not None


def test_a_key_that_only_administers_is_enough_for_the_commands_of_operators(tmp_path: Path) -> None:
    """
    On a SQLite file that a collector owns.
    """
    url = f"sqlite:///{tmp_path / 'a.db'}"
    admin = json.loads(hookline("keys", "create", "ops", "--scope", "admin", "--json", HOOKLINE_DATABASE_URL=url).stdout)
    with running_collector(url) as running:
        environment = {"HOOKLINE_DATABASE_URL": url, "HOOKLINE_URL": running.url, "HOOKLINE_API_KEY": admin["key"]}
        assert [] == json.loads(hookline("retention", "list", "--json", **environment).stdout)["items"]
        made = json.loads(hookline("keys", "create", "ci", "--scope", "ingest", "--json", **environment).stdout)
        assert "revoked  True" in hookline("keys", "revoke", made["key_id"], **environment).stdout


def test_a_first_key_that_shuts_its_owner_out_says_so_and_how_to_get_out(tmp_path: Path) -> None:
    """
    Through the collector that it closes: a warning on standard error, and the way that it tells leads out.
    """
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with running_collector(url) as running:
        environment: dict[str, Any] = {"HOOKLINE_DATABASE_URL": url, "HOOKLINE_URL": running.url}
        done = hookline("keys", "create", "ci", "--scope", "ingest", "--scope", "read", "--json", **environment)
        made = json.loads(done.stdout)
        assert "wants a key" in hookline("keys", "revoke", made["key_id"], code=1, **environment).stderr
    for words in ("can't list or revoke", "stop it", "keys create NAME", "HOOKLINE_API_KEY"):
        assert words in done.stderr

    admin = json.loads(hookline("keys", "create", "me", "--json", HOOKLINE_DATABASE_URL=url).stdout)
    with running_collector(url) as running:
        environment = {"HOOKLINE_DATABASE_URL": url, "HOOKLINE_URL": running.url, "HOOKLINE_API_KEY": admin["key"]}
        assert "revoked  True" in hookline("keys", "revoke", made["key_id"], **environment).stdout
        assert not hookline("keys", "create", "--scope", "ingest", **environment).stderr


def test_a_first_key_is_warned_of_only_where_nobody_may_administer(tmp_path: Path) -> None:
    """
    Before a collector runs: not where there is another way in, and again where the last key with `admin` is revoked.
    """
    url = f"sqlite:///{tmp_path / 'a.db'}"
    sender = ("keys", "create", "--project", "shop", "--json")
    assert "keys create NAME" in hookline(*sender, HOOKLINE_DATABASE_URL=url).stderr
    assert not hookline(*sender, HOOKLINE_DATABASE_URL=url, HOOKLINE_API_KEY="k" * 16).stderr
    admin = hookline("keys", "create", "--json", HOOKLINE_DATABASE_URL=url)
    assert not admin.stderr + hookline(*sender, HOOKLINE_DATABASE_URL=url).stderr
    hookline("keys", "revoke", json.loads(admin.stdout)["key_id"], HOOKLINE_DATABASE_URL=url)
    assert hookline(*sender, HOOKLINE_DATABASE_URL=url).stderr


def test_a_first_key_made_in_the_open_with_admin_is_not_warned_of(tmp_path: Path) -> None:
    """
    It is the way in.
    """
    with running_collector(f"sqlite:///{tmp_path / 'a.db'}") as running:
        assert not hookline("keys", "create", "laptop", HOOKLINE_URL=running.url).stderr


def test_a_new_key_is_told_for_people(tmp_path: Path) -> None:
    """
    Its name as argument or option; no raw milliseconds, nothing of revocation.
    """
    url = f"sqlite:///{tmp_path / 'a.db'}"
    shown = hookline("keys", "create", "laptop", "--scope", "read", HOOKLINE_DATABASE_URL=url).stdout
    (row,) = json.loads(hookline("keys", "list", "--json", HOOKLINE_DATABASE_URL=url).stdout)["items"]

    assert ("laptop", ["read"]) == (row["name"], row["scopes"])
    for words in (f"key id  {row['key_id']}", "key  hk_", "name  laptop", "project  default", "only time"):
        assert words in shown
    assert datetime.fromtimestamp(row["created_ms"] / 1000).astimezone().isoformat(" ", "seconds") in shown
    assert "_ms" not in shown
    assert "revoked" not in shown
    assert "once" in hookline("keys", "create", "a", "--name", "b", code=1, HOOKLINE_DATABASE_URL=url).stderr


def test_keys_for_pages_and_keys_that_end_are_made_and_listed(tmp_path: Path) -> None:
    """
    With their origins, rate and end; what can't be is told in words.
    """
    url = f"sqlite:///{tmp_path / 'a.db'}"
    origins = ("--origin", "https://shop.example", "--origin", "HTTPS://www.shop.example:443/")
    shown = hookline(
        "keys", "create", "shop", *origins, "--rate", "5", "--expires", "90d", HOOKLINE_DATABASE_URL=url, HOOKLINE_URL="x"
    ).stdout
    for words in (
        "key  hk_pub_",
        "scopes  ingest",
        "origins  https://shop.example https://www.shop.example",
        "events a second  5",
    ):
        assert words in shown
    listed = hookline("keys", "list", HOOKLINE_DATABASE_URL=url).stdout
    for words in ("last used", "expires", "https://shop.example"):
        assert words in listed
    wrong = hookline("keys", "create", "--origin", "https://*.example", code=1, HOOKLINE_DATABASE_URL=url).stderr
    assert "no wildcard" in wrong


def test_who_names_only_a_collector_asks_that_one(collector: Running, tmp_path: Path) -> None:
    """
    Keys, reassemble and dead spans of the collector at HOOKLINE_URL; nothing is made at home, and 0 is told as 0.
    """
    environment: dict[str, Any] = {"HOOKLINE_URL": collector.url, "HOME": str(tmp_path)}

    assert 1 == json.loads(hookline("reassemble", "--request-id", "a", "--json", **environment).stdout)["calls"]
    assert "spans  0" in hookline("export", "--retry-dead", **environment).stdout
    assert "No keys" in hookline("keys", "list", **environment).stdout
    assert "no call" in hookline("reassemble", "--request-id", "nobody", code=1, **environment).stderr
    hookline("reassemble", code=3, HOOKLINE_URL=f"http://127.0.0.1:{_closed_port()}", HOME=str(tmp_path))
    assert [] == list(tmp_path.iterdir())


def test_only_making_a_key_makes_a_database(tmp_path: Path) -> None:
    """
    What works on what is there says that nothing is, with the variable to set.
    """
    home: dict[str, Any] = {"HOME": str(tmp_path)}
    missing: dict[str, Any] = {"HOOKLINE_DATABASE_URL": f"sqlite:///{tmp_path / 'away.db'}"}
    for command in (("reassemble",), ("export", "--retry-dead"), ("keys", "list"), ("keys", "revoke", "k")):
        for environment in (home, missing):
            assert "HOOKLINE_DATABASE_URL" in hookline(*command, code=2, **environment).stderr
    assert [] == list(tmp_path.iterdir())
    hookline("keys", "create", **missing)
    assert "calls  0" in hookline("reassemble", **missing).stdout


def test_db_says_where_the_schema_is(tmp_path: Path) -> None:
    """
    Nothing yet, then what this hookline needs.
    """
    url = f"sqlite:///{tmp_path / 'new.db'}"
    before = json.loads(hookline("db", "current", "--json", HOOKLINE_DATABASE_URL=url).stdout)
    hookline("db", "upgrade", HOOKLINE_DATABASE_URL=url)
    after = json.loads(hookline("db", "current", "--json", HOOKLINE_DATABASE_URL=url).stdout)

    assert (None, after["needed"]) == (before["current"], after["current"])


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_serve_prints_its_address_and_stops_when_asked(tmp_path: Path, number: signal.Signals) -> None:
    """
    With 0, soon, although somebody follows; what was acknowledged is there afterwards.
    """
    environment = os.environ | {"HOOKLINE_DATABASE_URL": f"sqlite:///{tmp_path / 'a.db'}", "HOOKLINE_PORT": "0"}
    command = [sys.executable, "-m", "collector", "serve", "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as serve:
        assert serve.stdout is not None
        told = json.loads(serve.stdout.readline())
        hookline("keys", "list", HOOKLINE_DATABASE_URL=told["database"], HOOKLINE_URL=told["url"])
        serve.send_signal(number)
        assert 0 == serve.wait(60)
    assert "version" in in_a_process("version", "--json").stdout


@pytest.mark.long
def test_serve_for_people_says_that_it_stopped(tmp_path: Path) -> None:
    """
    Ctrl-C is answered.
    """
    environment = os.environ | {"HOOKLINE_DATABASE_URL": f"sqlite:///{tmp_path / 'a.db'}", "HOOKLINE_PORT": "0"}
    command = [sys.executable, "-u", "-m", "collector", "serve"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as serve:
        assert serve.stdout is not None
        assert "listens on" in serve.stdout.readline()
        serve.send_signal(signal.SIGINT)
        rest, _ = serve.communicate(timeout=100)
    assert "stopped" == rest.splitlines()[-1]
    assert 0 == serve.returncode


def test_command_without_the_server_packages_says_what_to_install() -> None:
    """
    The client alone has no dependencies, but its command exists.
    """
    code = "import sys; sys.modules['typer'] = None\nfrom collector.__main__ import run\nsys.exit(run(['calls']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False)
    assert 1 == done.returncode
    assert 'pip install "hookline[server]"' in done.stderr
