"""
Real processes that end in every way there is, while the collector is there and while it is away.

`HOOKLINE_KILL_ROUNDS=20` measures longer what kill -9 costs.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest

from tests.fakes.environment import clean_environment
from tests.fakes.receiver import Answer, Receiver
from tests.sdk_hooks.spool import ending

ROOT = Path(__file__).parents[3]
CALLS = 3
ABRUPT = ("hard_exit", "sigterm", "fork_in_thread", "forked_worker", "fork_while_loading", "sync_delivery")
FORKING = {"fork_in_thread", "forked_worker", "fork_while_loading"}
KILL_ROUNDS = int(os.environ.get("HOOKLINE_KILL_ROUNDS", "1"))
TRIES = 4
"""The machine may let our thread alone for a moment, but not each time."""
CODES = {"exit_code": 3, "exception": 1, "hard_exit": 4, "sigterm": -signal.SIGTERM, "sync_delivery": -signal.SIGKILL}
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


def environment(url: str, folder: Path) -> dict[str, str]:
    clean = clean_environment()
    return clean | {"HOOKLINE_URL": url, "HOOKLINE_SPOOL_DIR": str(folder), "PYTHONPATH": str(ROOT)}


def end(ways: Iterable[str], url: str, folder: Path) -> None:
    """All at once: starting Python is most of the time."""
    running = {
        way: subprocess.Popen(
            [sys.executable, "-m", "tests.sdk_hooks.spool.ending", way, str(CALLS)],
            env=environment(url, folder),
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for way in ways
    }
    for way, process in running.items():
        _, said = process.communicate(timeout=100)
        assert CODES.get(way, 0) == process.returncode, (way, said)
        assert "are lost" not in said, (way, said)


def send_what_was_left(url: str, folder: Path) -> None:
    command = [sys.executable, "-m", "sdk_hooks.spool", "send"]
    done = subprocess.run(
        command, env=environment(url, folder), cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr


def arrived(receiver: Receiver) -> Counter[str]:
    """Events by way, each once."""
    return Counter({event["eventId"]: event["model"] for event in receiver.accepted}.values())


def expected(ways: Iterable[str]) -> Counter[str]:
    wanted = Counter(dict.fromkeys(ways, 2 * CALLS))
    wanted["fork_parent"] = 2 * CALLS * len(FORKING.intersection(ways))
    wanted["fork_while_loading"] *= ending.CHILDREN
    return wanted


def test_no_way_to_end_loses_anything(receiver: Receiver, tmp_path: Path):
    """The collector is there; orderly ends are in test_process.py."""
    end(ABRUPT, receiver.url, tmp_path / "spool")
    send_what_was_left(receiver.url, tmp_path / "spool")

    assert expected(ABRUPT) == arrived(receiver)


def test_no_way_to_end_loses_anything_without_a_collector(receiver: Receiver, tmp_path: Path):
    """The collector is away: everything is on disk, and goes out once it is back."""
    receiver.always(503)
    end(ending.WAYS, receiver.url, tmp_path / "spool")
    assert Counter() == arrived(receiver)
    receiver.always(None)
    send_what_was_left(receiver.url, tmp_path / "spool")

    assert expected(ending.WAYS) == arrived(receiver)
    assert len(receiver.accepted) == sum(arrived(receiver).values()), "nothing was sent twice"
    assert [] == list((tmp_path / "spool").iterdir())


BUSY = """
import sys, time
from tests.sdk_hooks.spool.ending import record
for number in range(100_000):
    record(f"call-{number}")
    sys.stdout.write(f"{number} {time.time()}\\n")
    sys.stdout.flush()
    time.sleep(0.004)
"""


def lost_by_kill(receiver: Receiver, folder: Path, after_s: float) -> tuple[float, float]:
    """
    kill -9 a host that records every few milliseconds.

    How old, at that moment, the oldest call was that never arrived (0: none); and how long the machine let the host wait.
    """
    command = [sys.executable, "-c", BUSY]
    receiver.accepted.clear()
    receiver.posts.clear()
    with subprocess.Popen(command, env=environment(receiver.url, folder), cwd=ROOT, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        first = host.stdout.readline()
        # Not while the client's own modules are still loading: on a busy machine that takes longer than an interval.
        until_s = time.monotonic() + 60
        while not receiver.posts and not list(folder.glob("*.spool")) and time.monotonic() < until_s:
            time.sleep(0.005)
        time.sleep(after_s)
        killed_s = time.time()
        host.kill()
        recorded = dict(line.split() for line in [first, *host.stdout.readlines()] if line.endswith("\n"))
    receiver.always(None)
    send_what_was_left(receiver.url, folder)
    ended = {event["model"] for event in receiver.accepted if event["type"].endswith("completed")}
    lost = [float(at_s) for number, at_s in recorded.items() if f"call-{number}" not in ended]
    oldest_s = killed_s - min(lost, default=killed_s)
    times = [float(at_s) for at_s in recorded.values()]
    stall_s = max((after - before for before, after in pairwise([*times, killed_s])), default=0.0)
    print(f"{len(recorded)} calls, {len(lost)} lost, the oldest {oldest_s:.3f} s old, longest stall {stall_s:.3f} s")
    return oldest_s, stall_s


@pytest.mark.parametrize("round_number", range(KILL_ROUNDS))
@pytest.mark.parametrize(
    "state",
    [
        pytest.param(lambda: None, id="there"),
        pytest.param(lambda: 503, id="away"),
        pytest.param(lambda: Answer(503, after=Event()), id="silent"),
    ],
)
def test_kill_costs_the_last_flush_interval_at_most(
    receiver: Receiver, tmp_path: Path, state: Callable[[], int | Answer | None], round_number: int
):
    """Whatever the collector does: what was recorded longer ago is delivered or on disk."""
    found: list[tuple[float, float]] = []
    for attempt in range(TRIES):
        receiver.always(state())
        # Long enough: whoever keeps everything in memory loses more than the bound allows.
        oldest_s, stall_s = lost_by_kill(receiver, tmp_path / f"spool-{attempt}", random.uniform(0.7, 1.0))
        found.append((oldest_s, stall_s))
        # A thread of ours that is to wake waits for a processor as long as the host's do, a few times a round.
        if oldest_s <= ending.FLUSH_INTERVAL_S + 0.1 + 4 * stall_s:
            return
    raise AssertionError(f"each time older calls were lost: {found}")
