"""
Three of an SDK's real clients in one process, which take turns call by call: a bare one, a hooked one, and a bare one more.

Flow: client_worker -> **together** -> client_clients (three of them) -> each call's own CPU time.
Two processes that do the same differ by some per cent, by where their memory happens to lie. Here whatever makes processes differ
is the same for all three; the second bare one shows what the order of the calls and the machine do by themselves. What the hook
does comes from memory again at each of its calls, for two calls of others lie between them: no host has it harder.
"""

import gc
import time
from collections.abc import Sequence
from random import sample
from typing import Any

from benchmarks.client_clients import CLIENTS
from benchmarks.client_stubs import Act, Subject

NAMES = ("bare", "hooked", "again")


def together(sdk: str, provider: str) -> Subject:
    """Of the three clients, the one that is to be hooked. An act takes how many turns; gives µs of CPU time by `NAMES`."""
    subjects = [CLIENTS[sdk](provider) for _ in NAMES]
    acts: dict[str, Any] = {name: _turning([subject.acts[name] for subject in subjects]) for name in subjects[0].acts}
    return Subject(subjects[NAMES.index("hooked")].client, acts)


def _turning(acts: Sequence[Act]) -> Any:
    def turns(count: int = 1) -> dict[str, list[float]]:
        took: dict[str, list[float]] = {name: [] for name in NAMES}
        turners = list(zip(NAMES, acts, strict=True))
        # What was made between the turns is not collected in one of them.
        gc.collect()
        for _ in range(count):
            # In any order: who always came behind the hooked one would find the memory as that has left it.
            for name, act in sample(turners, len(turners)):
                began_ns = time.thread_time_ns()
                act()
                took[name].append((time.thread_time_ns() - began_ns) / 1e3)
        return took

    return turns
