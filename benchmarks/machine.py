"""
What a process takes of this machine, and what the machine gives: memory, processor time, and time that a host took away.

On a virtual machine the host may run somebody else on our processors; the kernel tells how long, and no figure of speed means
much without it. Linux only.
"""

import os
import time
from pathlib import Path
from typing import NamedTuple


class Spell(NamedTuple):
    """Processor time of the whole machine since its start, in ticks."""

    whole: int
    stolen: int


def spell() -> Spell:
    """Now: the beginning of a stretch for `stolen_share`."""
    # user nice system idle iowait irq softirq steal: what follows is in user and nice already.
    ticks = [int(one) for one in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return Spell(whole=sum(ticks), stolen=ticks[7])


def stolen_share(since: Spell) -> float:
    """Which share of all processors' time the host gave to others since then, 0 to 1."""
    now = spell()
    return (now.stolen - since.stolen) / max(now.whole - since.whole, 1)


def cpu_s(pid: int) -> float:
    """User and system time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Memory of a process that is in RAM, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def yardstick_s() -> float:
    """How quick this machine is at this moment: processor seconds of a fixed loop of two million steps."""
    began_s, total = time.thread_time(), 0
    for step in range(2_000_000):
        total += step * step % 7
    return time.thread_time() - began_s
