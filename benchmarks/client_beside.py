"""
A process that works as much as our thread does and has nothing to do with the host.

    python -m benchmarks.client_beside        (works until its standard input ends)

Flow: client_overhead -> **beside**, while a bare host's lateness is measured.
Where two processors work, the machine below takes them away more often than where one does. What a bare host feels of that is no
hook's: its interpreter is not ours to hold.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.client_rounds import ROOT

WORK_S, REST_S = 250e-6, 500e-6
PIECES = 300
PAUSE_S = 0.5
"""Between two rounds, while a batch comes together."""


@contextmanager
def beside() -> Iterator[None]:
    """It works by now, and ends afterwards."""
    command = [sys.executable, "-m", "benchmarks.client_beside"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as working:
        assert working.stdin is not None
        assert working.stdout is not None
        working.stdout.readline()
        yield
        working.stdin.close()


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    threading.Thread(target=_end_with_input, daemon=True).start()
    print(flush=True)
    while True:
        for _ in range(PIECES):
            until_s = time.perf_counter() + WORK_S
            while time.perf_counter() < until_s:
                pass
            time.sleep(REST_S)
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main()
