"""
`hookline export` and `hookline doctor` against a collector whose backend is broken, mended and broken otherwise.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.cli.commands import run_command
from tests.fakes.otlp import Answer, OtlpReceiver
from tests.fakes.running import AT_MS, Running, chat_call, eventually, running_collector

Run = Callable[..., str]


@pytest.fixture
def backend() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as receiver:
        yield receiver


@pytest.fixture
def collector(backend: OtlpReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", backend.endpoint + "/v1/traces")
    monkeypatch.delenv("HOOKLINE_DATABASE_URL", raising=False)
    with running_collector(f"sqlite:///{tmp_path / 'a.db'}") as running:
        monkeypatch.setenv("HOOKLINE_URL", running.url)
        yield running


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; what it said."""

    def run_and_read(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        found = run_command(list(arguments))
        said = capsys.readouterr()
        assert code == found, said
        return said.out + said.err

    return run_and_read


def told(run: Run, *arguments: str, code: int = 0) -> Any:
    # The collector in this process logs to the same place.
    (line,) = [line for line in run(*arguments, "--json", code=code).splitlines() if line.startswith("{")]
    return json.loads(line)


def test_refused_span_is_shown_and_sent_again(collector: Running, backend: OtlpReceiver, run: Run) -> None:
    """
    Shown with its reason and the command to mend it; sent by that command and by no other choice; then all is well.
    """
    bad = Answer(400, body=b"no such model", headers={"content-type": "text/plain"})
    backend.judge = lambda spans: bad if any("poison" in span.name for span in spans) else Answer()
    collector.post_events(*chat_call("bad", model="poison"), *chat_call("good"))
    eventually(lambda: told(run, "export")["reasons"])
    shown = told(run, "export")
    assert {("otlp", "dead"): 1, ("otlp", "done"): 1} == {
        (item["destination"], item["state"]): item["count"] for item in shown["items"]
    }
    assert ["HTTP 400: no such model"] == [item["reason"] for item in shown["reasons"]]
    assert "dead at otlp: 1 × HTTP 400: no such model" in run("export")

    doctor = told(run, "doctor", code=1)
    assert not doctor["ok"]
    (finding,) = [one for one in doctor["findings"] if one["level"] == "bad"]
    assert "otlp: 1 spans are dead" in finding["says"]
    assert "`hookline export --retry-dead --destination otlp --reason 'HTTP 400'`" in finding["advice"]
    assert "hookline export --retry-dead" in run("doctor", code=1)

    for others in (("--reason", "413"), ("--destination", "jsonl"), ("--since", "2100-01-01T00:00:00Z")):
        assert {"spans": 0, "items": []} == told(run, "export", "--retry-dead", *others)
    backend.judge = None
    assert "  1 to otlp: HTTP 400: no such model" in run("export", "--retry-dead", "--reason", "http 400")
    backend.wait_for_spans(2)
    eventually(lambda: [item["state"] for item in told(run, "export")["items"]] == ["done"])
    assert told(run, "doctor")["ok"]


def test_wrong_key_is_told_while_spans_wait_and_go_when_it_is_mended(collector: Running, backend: OtlpReceiver, run: Run) -> None:
    """
    Nothing dies; doctor names the variable; `--retry-dead` also says that it is mended, so nobody waits for the next try.
    """
    backend.judge = lambda spans: Answer(401)
    collector.post_events(*chat_call("a"))
    eventually(lambda: told(run, "export")["destinations"][0]["is_setting"])

    (finding,) = [one for one in told(run, "doctor", code=1)["findings"] if one["level"] == "bad"]
    assert "it does not want us as we are set up" in finding["says"]
    assert "HTTP 401); 1 spans wait" in finding["says"]
    assert "OTEL_EXPORTER_OTLP_HEADERS" in finding["advice"]

    backend.judge = None
    collector.post_events(*chat_call("b"))
    assert 0 == told(run, "export", "--retry-dead")["spans"]
    backend.wait_for_spans(1)


def test_destination_is_dropped_only_by_who_is_sure(collector: Running, backend: OtlpReceiver, run: Run) -> None:
    """
    First it is said what would be lost; then it is gone, and stays gone.
    """
    backend.judge = lambda spans: Answer(503)
    collector.post_events(*chat_call("a"), *chat_call("b"))
    eventually(lambda: [item["count"] for item in told(run, "export")["items"]] == [2])

    assert "2 waiting and 0 dead spans" in run("export", "--drop-destination", "otlp", code=1)
    assert {"spans": 2, "destination": "otlp"} == told(run, "export", "--drop-destination", "otlp", "--yes")
    assert ["dropped"] == [item["state"] for item in told(run, "export")["items"]]
    assert 0 == told(run, "export", "--retry-dead")["spans"]
    assert "0 spans dropped" in run("export", "--drop-destination", "otlp", "--yes")


def test_spans_are_sent_once_more_on_purpose(collector: Running, backend: OtlpReceiver, run: Run) -> None:
    """
    The same ids and the same content as the first time, and only of the calls that are meant.
    """
    collector.post_events(*chat_call("a"), *chat_call("b", at_ms=AT_MS + 60_000))
    before = {span.span_id: span for span in backend.wait_for_spans(2)}

    assert {"spans": 1, "destination": "otlp"} == told(run, "export", "--to", "otlp", "--since", str(AT_MS + 30_000))
    assert "1 spans go to otlp once more" in run("export", "--to", "otlp", "--since", "0", "--until", str(AT_MS + 30_000))
    spans = backend.wait_for_spans(4)

    assert sorted(map(repr, before.values())) == sorted(map(repr, spans[2:]))
    assert "no destination is called" in run("export", "--to", "tempo", "--since", "0", code=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--reason", "400"), "add --retry-dead"),
        (("--retry-dead", "--drop-destination", "otlp"), "goes alone"),
        (("--to", "otlp"), "say from when with --since"),
        (("--to", "otlp", "--since", "0", "--retry-dead"), "say from when with --since"),
        (("--retry-dead", "--since", "yesterday"), "--since: not a time"),
    ],
)
def test_choices_that_make_no_sense(run: Run, arguments: tuple[str, ...], words: str) -> None:
    """
    Told before anything is asked or changed.
    """
    assert words in run("export", *arguments, code=1)
