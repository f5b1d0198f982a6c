"""Import, fork and exit: what only whole processes can show."""

import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Event

import pytest

from tests.fakes.environment import clean_environment
from tests.fakes.receiver import Answer, Receiver

ROOT = Path(__file__).parents[2]

RECORD = """
import os, sys, time
from sdk_hooks import configure, flush, losses
from sdk_hooks.recorder import Shape, as_it_is, start_call
SHAPE = Shape("text", as_it_is, as_it_is)
# Two seconds by default: a loaded machine may want more.
configure(exit_timeout_s=60)
def record(name):
    start_call(SHAPE, {}, provider="openai", model=name).complete()
"""


def run(code: str, *, timeout_s: float = 100, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = clean_environment()
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=clean | {"HOOKLINE_SPOOL_MAX_BYTES": "0"} | environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def test_import_does_nothing():
    """No third-party module, no thread, no environment read, no catalogue; the names are all there."""
    code = """
import os, sys, threading
reads = []
kind = type(os.environ)
kind.__getitem__ = lambda self, key, get=kind.__getitem__: reads.append(key) or get(self, key)
before = set(sys.modules)
import sdk_hooks
new = {name.partition(".")[0] for name in set(sys.modules) - before}
assert new == {"sdk_hooks"}, new
assert reads == [], reads
assert threading.active_count() == 1
before = set(sys.modules)
from sdk_hooks import instrument, uninstrument, configure, session, observe, flush, shutdown, losses
foreign = {name.partition(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names - {"sdk_hooks"}
assert foreign == set(), foreign
assert reads == [], reads
assert threading.active_count() == 1
for heavy in ("sdk_hooks.events", "http.client", "ssl", "logging", "dataclasses", "asyncio", "uuid"):
    assert heavy not in sys.modules, heavy
"""
    ended = run(code)
    assert 0 == ended.returncode, ended.stderr


def test_names_of_the_package_are_not_hidden_by_its_modules():
    """A module of ours that is imported later must not take a public name's place."""
    code = """
import pkgutil, importlib, sdk_hooks
for found in pkgutil.iter_modules(sdk_hooks.__path__):
    importlib.import_module(f"sdk_hooks.{found.name}")
for name in sdk_hooks.__all__:
    assert callable(getattr(sdk_hooks, name)), name
"""
    ended = run(code)
    assert 0 == ended.returncode, ended.stderr


def test_losses_and_flush_need_nothing():
    """Before anything was recorded there is nothing to lose and nothing to wait for, and no thread."""
    code = "import threading\nfrom sdk_hooks import flush, losses\nassert flush(60) and not any(losses().values())\n"
    ended = run(code + "assert threading.active_count() == 1")
    assert 0 == ended.returncode, ended.stderr


def test_events_are_delivered_at_exit():
    """A script that just ends has its last events delivered, by environment alone."""
    with Receiver() as receiver:
        ended = run(RECORD + "record('m')", HOOKLINE_URL=receiver.url, HOOKLINE_CLIENT_ID="script", HOOKLINE_RELEASE="git-1")

        assert 0 == ended.returncode, ended.stderr
        assert ["script", "script"] == [event["clientId"] for event in receiver.accepted]
        assert "git-1" == receiver.posts[0].resource["service.version"]


def test_exit_does_not_wait_for_an_absent_collector():
    """Nobody listens: the process ends without trying for as long as it may, with its own exit code."""
    with Receiver() as gone:
        url = gone.url
    began_s = time.monotonic()
    ended = run(RECORD + "record('m'); sys.exit(3)", HOOKLINE_URL=url)

    assert 3 == ended.returncode
    assert time.monotonic() - began_s < 50
    assert "2 events of this process were not delivered and are lost" in ended.stderr


def test_wrong_key_is_told_with_its_variable():
    """The line says what to look at; there is no spool here, so what was kept is lost with the process, and told."""
    with Receiver() as receiver:
        receiver.always(Answer(401))
        ended = run(RECORD + "record('m')", HOOKLINE_URL=receiver.url, HOOKLINE_API_KEY="k" * 24)

    assert "refused with 401); check HOOKLINE_URL and HOOKLINE_API_KEY; they are kept" in ended.stderr
    assert "2 events of this process were not delivered and are lost" in ended.stderr
    assert "k" * 24 not in ended.stderr


def test_exit_never_hangs_on_a_silent_collector():
    """A collector that takes the POST and says nothing: two seconds, then the process ends, long before the POST would."""
    with Receiver() as receiver:
        receiver.always(Answer(200, after=Event()))
        ended = run(RECORD + "configure(exit_timeout_s=2, post_timeout_s=600)\nrecord('m')", HOOKLINE_URL=receiver.url)

        assert 0 == ended.returncode, ended.stderr
        assert [] == receiver.posts, "nothing was answered"


def test_wrong_settings_do_not_stop_the_host():
    """Each wrong variable is one line that names it; the host runs, values are not repeated."""
    with Receiver() as receiver:
        ended = run(
            RECORD + "configure(delivery='never', nonsense=1)\nrecord('m')\nassert flush(60)",
            HOOKLINE_URL=receiver.url,
            HOOKLINE_SAMPLE_RATE="lots",
            HOOKLINE_CAPTURE_CONTENT="perhaps",
            HOOKLINE_SPOOL_MAX_BYTES="-1",
        )

    assert 0 == ended.returncode, ended.stderr
    assert 2 == len(receiver.accepted)
    for name in ("HOOKLINE_SAMPLE_RATE", "HOOKLINE_CAPTURE_CONTENT", "HOOKLINE_SPOOL_MAX_BYTES", "delivery", "nonsense"):
        assert 1 == ended.stderr.count(name), ended.stderr
    assert "lots" not in ended.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_children_record_on_their_own():
    """A child made in the middle of a load delivers with its own prefix and a sequence from 1; the parent goes on."""
    code = """
record("parent")
flush(60)
children = []
for _ in range(3):
    record("parent")
    child = os.fork()
    if child == 0:
        record("child")
        ok = flush(60)
        os._exit(0 if ok else 9)
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
record("parent")
assert flush(60)
"""
    with Receiver() as receiver:
        ended = run(RECORD + code, HOOKLINE_URL=receiver.url)
        accepted = receiver.accepted

    assert 0 == ended.returncode, ended.stderr
    by_prefix: dict[str, list[int]] = {}
    models: dict[str, set[str]] = {}
    for event in accepted:
        prefix = event["eventId"].rpartition("-")[0]
        by_prefix.setdefault(prefix, []).append(event["sequence"])
        models.setdefault(prefix, set()).add(event["model"])
    assert [[1, 2], [1, 2], [1, 2], list(range(1, 11))] == sorted(by_prefix.values())
    assert all(1 == len(found) for found in models.values())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_children_of_multiprocessing_deliver_at_their_end():
    """They leave by os._exit, past atexit: their last events are delivered all the same."""
    code = """
import multiprocessing
if __name__ == "__main__":
    record("parent")
    pool = [multiprocessing.get_context("fork").Process(target=record, args=("child",)) for _ in range(2)]
    for process in pool: process.start()
    for process in pool: process.join()
"""
    with Receiver() as receiver:
        ended = run(RECORD + code, HOOKLINE_URL=receiver.url)
        accepted = receiver.accepted

    assert 0 == ended.returncode, ended.stderr
    assert 4 == sum(event["model"] == "child" for event in accepted)
    assert 2 == sum(event["model"] == "parent" for event in accepted)
