"""
Keeps the processors awake while somebody measures how late a host is.

    python -m benchmarks.client_awake PROCESSOR        (ends with its standard input)

Flow: client_overhead -> **awake**, one a processor.
A virtual processor that has nothing to do is taken away by the machine below, and comes back milliseconds after its alarm: a host
that only sleeps is late by that, with hooks or without. What runs here wakes all the time and does nothing: one that worked
all the time would get its turn while somebody holds a host's interpreter, and keep the host waiting for it.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.client_rounds import ROOT

IS_POSSIBLE = hasattr(os, "SCHED_IDLE")


@contextmanager
def awake() -> Iterator[list[int]]:
    """No processor sleeps; where the system has no priority below all others, they do as they like. Gives our processes' ids."""
    with ExitStack() as running:
        processes: list[int] = []
        for processor in sorted(os.sched_getaffinity(0)) if IS_POSSIBLE else ():
            command = [sys.executable, "-m", "benchmarks.client_awake", str(processor)]
            spinning = running.enter_context(subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            assert spinning.stdin is not None
            assert spinning.stdout is not None
            running.callback(spinning.stdin.close)
            processes.append(spinning.pid)
            # Until it gives way: while it starts it is a process like any other, and keeps a host waiting for its processor.
            spinning.stdout.readline()
        yield processes


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    os.sched_setaffinity(0, {int(sys.argv[1])})
    threading.Thread(target=_end_with_input, daemon=True).start()
    print(flush=True)
    while True:
        time.sleep(20e-6)


if __name__ == "__main__":
    main()
