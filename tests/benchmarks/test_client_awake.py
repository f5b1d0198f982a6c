"""What the benchmark of a host's lateness runs beside the host must not be what makes it late."""

import os
import subprocess
import sys

import pytest

from benchmarks.client_awake import IS_POSSIBLE, awake
from benchmarks.client_overhead import ROOT

pytestmark = pytest.mark.skipif(not IS_POSSIBLE, reason="this system knows no priority below all others")


def test_processors_are_kept_awake_by_what_gives_way_from_the_first_moment_on():
    """A process that still starts is one like any other: it kept the first second's host waiting for milliseconds."""
    with awake() as processes:
        given = [os.sched_getscheduler(process) for process in processes]
    assert [os.SCHED_IDLE] * len(os.sched_getaffinity(0)) == given


def test_receiver_gives_way_before_it_takes_anything():
    """Of two processes at different niceness the kernel lets the lower one finish its slice, and the host waits for it."""
    command = [sys.executable, "-m", "benchmarks.client_receiver"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as receiver:
        assert receiver.stdin is not None
        assert receiver.stdout is not None
        receiver.stdout.readline()
        given = os.sched_getscheduler(receiver.pid)
        receiver.stdin.close()
    assert os.SCHED_IDLE == given
