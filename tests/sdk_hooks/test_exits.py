"""
Servers that end their processes past Python's own ends: what was recorded last is not lost, and they end as ever.

`tests/interop/check_hosts.py` does the same with real gunicorn and Celery.
"""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.environment import clean_environment
from tests.fakes.ports import free_port
from tests.fakes.receiver import Receiver
from tests.fakes.running import eventually

ROOT = Path(__file__).parents[2]
CALLS = 3
pytestmark = [pytest.mark.timeout(240), pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")]


APP = """
from tests.sdk_hooks.spool.ending import record

async def app(scope, receive, send):
    record(scope["path"].strip("/"))
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})

async def quiet(scope, receive, send):
    assert scope["type"] == "http"
    await app(scope, receive, send)
"""

CELERY = """
class Signal:
    def __init__(self):
        self.receivers = []
    def connect(self, receiver, weak=True):
        assert not weak
        self.receivers.append(receiver)
    def send(self, **named):
        for receiver in self.receivers:
            receiver(signal=self, **named)

worker_process_shutdown = Signal()
"""

WORKER = """
import os, sys
from sdk_hooks import flush
from tests.sdk_hooks.spool.ending import record
record("before-fork")
import celery.signals
# A round of the emitter's thread comes by itself every fifth of a second, with the usual settings.
assert flush(60)
record("before-fork")
if child := os.fork():
    os.waitpid(child, 0)
    # The parent stays as it is, and goes by its own way.
    celery.signals.worker_process_shutdown.send(sender=None, pid=1, exitcode=0)
    os._exit(0)
for _ in range(3):
    record("in-worker")
celery.signals.worker_process_shutdown.send(sender=None, pid=2, exitcode=0)
os._exit(155)
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


def environment(receiver: Receiver, folder: Path) -> dict[str, str]:
    clean = clean_environment()
    return clean | {
        "HOOKLINE_URL": receiver.url,
        "HOOKLINE_SPOOL_DIR": str(folder / "spool"),
        # Longer than any stop takes: nothing gets out by itself.
        "HOOKLINE_FLUSH_INTERVAL_S": "100",
        "PYTHONPATH": f"{ROOT}:{folder}",
    }


def arrived(receiver: Receiver) -> list[str]:
    """The calls that are complete there."""
    return sorted(event["model"] for event in receiver.accepted if event["type"].endswith("completed"))


@contextmanager
def uvicorn(receiver: Receiver, folder: Path) -> "Iterator[tuple[subprocess.Popen[str], str]]":
    (folder / "host_app.py").write_text(APP)
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "--lifespan", "off", "--log-level", "warning", "--port", str(port), "host_app:quiet"],
        cwd=ROOT,
        env=environment(receiver, folder),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        eventually(lambda: answers(f"http://127.0.0.1:{port}/up"), limit_s=120)
        yield server, f"http://127.0.0.1:{port}"
    finally:
        if server.poll() is None:
            server.kill()
        server.communicate()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return 204 == answer.status
    except (ConnectionError, urllib.error.URLError):
        return False


def test_what_uvicorn_served_last_is_delivered(receiver: Receiver, tmp_path: Path) -> None:
    """
    SIGTERM behind the answer: uvicorn ends by that signal as it does without us, and nothing is left in memory.
    """
    with uvicorn(receiver, tmp_path) as (server, url):
        for number in range(CALLS):
            assert answers(f"{url}/call-{number}")
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=100)
        assert (-signal.SIGTERM, "") == (server.returncode, said)

    assert [f"call-{number}" for number in range(CALLS)] == [name for name in arrived(receiver) if name != "up"]


def test_what_a_worker_of_celerys_did_last_is_delivered(receiver: Receiver, tmp_path: Path) -> None:
    """
    It ends by `os._exit` after a signal of Celery's own; its parent recorded before and after it imported Celery.
    """
    (tmp_path / "celery").mkdir()
    (tmp_path / "celery" / "__init__.py").write_text("")
    (tmp_path / "celery" / "signals.py").write_text(CELERY)
    done = subprocess.run(
        [sys.executable, "-c", WORKER], cwd=ROOT, env=environment(receiver, tmp_path), capture_output=True, text=True, timeout=200
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert [*["before-fork"] * 2, *["in-worker"] * 3] == arrived(receiver)
