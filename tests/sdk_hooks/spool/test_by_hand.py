"""`python -m sdk_hooks.spool`: what a person can do with files that processes left."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sdk_hooks.config import Config
from sdk_hooks.runtime import Runtime
from sdk_hooks.spool.__main__ import main
from tests.fakes.far_collector import FarCollector
from tests.fakes.receiver import Receiver
from tests.sdk_hooks.calls import chat

Process = Callable[..., Runtime]
Kill = Callable[[Runtime], None]


@pytest.fixture
def receiver():
    with Receiver() as found:
        yield found


def leave(process: Process, collector: FarCollector, killed: Kill, **settings: str) -> None:
    collector.is_away = True
    runtime = process(**settings)
    chat().complete()
    killed(runtime)


def test_forgetting_a_user_removes_their_events_and_no_others(
    process: Process, collector: FarCollector, killed: Kill, folder: Path, capsys: pytest.CaptureFixture[str]
):
    """Files of ended processes: the user's text is on disk no more, another user's events arrive."""
    leave(process, collector, killed, user_id="ada", session_id="secret-session")
    leave(process, collector, killed, user_id="bob")
    collector.is_away = True
    both = process(delivery="background")
    both.config.update({"user_id": "ada"})
    chat().complete()
    both.config.update({"user_id": "bob"})
    chat().complete()
    both.emitter.close(0.0)

    assert 0 == main(["--folder", str(folder), "forget", "--user-id", "ada"])
    assert "4 events removed from 2 files" in capsys.readouterr().out
    collector.is_away = False
    later = process(user_id="eve")
    chat().complete()
    later.emitter.close(5.0)
    assert ["eve", "eve", "bob", "bob", "bob", "bob"] == [event["userId"] for event in collector.accepted]
    assert [] == list(folder.iterdir())


def test_forgetting_tells_what_it_could_not_look_at(
    process: Process, collector: FarCollector, folder: Path, capsys: pytest.CaptureFixture[str]
):
    """A file that a live process holds stays, and the exit code says so."""
    collector.is_away = True
    process(session_id="s1")
    chat().complete()

    assert 1 == main(["--folder", str(folder), "forget", "--session-id", "s1"])
    assert "1 files are held" in capsys.readouterr().out


def test_sending_by_hand(
    process: Process,
    collector: FarCollector,
    killed: Kill,
    folder: Path,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """What was recorded under another key goes out when a person says so, and not before."""
    leave(process, collector, killed, url=receiver.url, api_key="old")
    leave(process, collector, killed, url=receiver.url, api_key="new")
    monkeypatch.setenv("HOOKLINE_URL", receiver.url)
    monkeypatch.setenv("HOOKLINE_API_KEY", "new")
    monkeypatch.setenv("HOOKLINE_SPOOL_DIR", str(folder))
    assert str(folder) == Config().delivery().spool_dir

    assert 0 == main(["send"])
    assert 2 == len(receiver.accepted)
    assert 0 == main(["list"])
    assert "2 events for http" in capsys.readouterr().out
    assert 0 == main(["send", "--any-key"])
    assert 4 == len(receiver.accepted)
    assert [] == list(folder.iterdir())


def test_sending_by_hand_stops_where_the_collector_does(
    process: Process, collector: FarCollector, killed: Kill, folder: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    """503: exit code 1, and everything is still there."""
    leave(process, collector, killed, url=receiver.url)
    monkeypatch.setenv("HOOKLINE_URL", receiver.url)
    receiver.script(503)

    assert 1 == main(["--folder", str(folder), "send"])
    assert 1 == len(list(folder.iterdir()))
    assert 0 == main(["--folder", str(folder), "send"])
    assert 2 == len(receiver.accepted)
