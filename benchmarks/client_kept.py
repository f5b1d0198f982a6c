"""
What kept a process from its processors, as Linux counts it: other processes, and the machine below a virtual one.

Flow: client_worker (a turn in which lateness is measured) -> **kept** -> client_overhead, beside how late it was.
"""

import os
from contextlib import suppress
from glob import glob
from pathlib import Path

STOLEN = 8
"""Which word of the first line of `/proc/stat` (proc_stat(5))."""


def kept_waiting_ms() -> float:
    """How long the threads of this process together were ready to run while others had their processors, since it began."""
    kept_ns = 0
    for task in glob("/proc/self/task/*/schedstat"):
        # A thread may end meanwhile.
        with suppress(OSError):
            kept_ns += int(Path(task).read_text().split()[1])
    return kept_ns / 1e6


def stolen_ms() -> float:
    """How long the machine below has given our processors to others, all of them together; it is told in steps of 10 ms."""
    with open("/proc/stat") as file:
        return int(file.readline().split()[STOLEN]) * 1e3 / os.sysconf("SC_CLK_TCK")
