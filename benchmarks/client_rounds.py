"""
Two processes that take turns, and what one costs more than the other: medians with 95 % intervals.

Flow: client_overhead -> **rounds** -> client_worker (two of them) -> figures.
A machine that others use drifts; what is measured back to back and compared pair by pair does not see it.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from math import ceil, floor, sqrt
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent


class Median(NamedTuple):
    """With the interval that holds the true median in 95 of 100 cases: two ranks of the sorted values, nothing assumed."""

    value: float
    low: float
    high: float

    def shown(self, digits: int = 1) -> str:
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def median(values: Sequence[float]) -> Median:
    ordered = sorted(values)
    count = len(ordered)
    reach = 0.98 * sqrt(count)
    low, high = max(0, floor(count / 2 - reach)), min(count - 1, ceil(count / 2 + reach) - 1)
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    return Median(middle, ordered[low], ordered[max(low, high)])


class Worker:
    """A process with one SDK, one variant. `calls` counts what it was asked to do."""

    def __init__(
        self, kind: str, sdk: str, variant: str, url: str, python: Path | str = sys.executable, provider: str = ""
    ) -> None:
        command = [str(python), "-m", "benchmarks.client_worker", kind, sdk, variant, url, provider]
        quiet = {"PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT), "HOME": "/nonexistent", "PATH": ""}
        # A peer may complain at every call.
        errors = None if python == sys.executable else subprocess.DEVNULL
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=quiet, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
        self.calls = 0
        self.acts: list[str] = self._read()["acts"]

    def ask(self, do: str, act: str = "", calls: int = 0) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, "act": act, "calls": calls}) + "\n")
        self._process.stdin.flush()
        self.calls += calls
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a worker ended with {self._process.wait()}: {self._process.args}")
        return json.loads(line)

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


Pair = tuple[dict[str, Any], dict[str, Any]]


def take_turns(bare: Worker, other: Worker, act: str, calls: int, rounds: int, do: str = "time") -> list[Pair]:
    """So many pairs; who begins changes, for the second may find a warmer machine."""
    pairs: list[Pair] = []
    for number in range(rounds):
        first, second = (bare, other) if number % 2 else (other, bare)
        found = first.ask(do, act, calls), second.ask(do, act, calls)
        pairs.append((found[0], found[1]) if first is bare else (found[1], found[0]))
    return pairs


def middle(pairs: Sequence[Pair]) -> Pair:
    """
    What a pair of processes took: one value of each, where many pairs are compared.

    Turn by turn: where a machine changes its speed while they run, the medians of the two alone may be of different speeds.
    """
    bare = {name: median([one[name] for one, _ in pairs]).value for name in pairs[0][0]}
    return bare, {name: took * ratio(pairs, name).value for name, took in bare.items()}


def calmest(pairs: Sequence[Pair]) -> Pair:
    """The same of their calm turns: for each of the two the turn that a sixth of its turns were faster than."""

    def calm(side: int, name: str) -> float:
        return sorted(pair[side][name] for pair in pairs)[len(pairs) // 6]

    bare, other = ({name: calm(side, name) for name in pairs[0][0]} for side in (0, 1))
    return bare, other


def added(pairs: Sequence[Pair], name: str) -> Median:
    return median([other[name] - bare[name] for bare, other in pairs])


def least(pairs: Sequence[Pair], name: str) -> float:
    """Between the fastest rounds of both: what is left of the cost when nobody else is at the machine."""
    return min(other[name] for _, other in pairs) - min(bare[name] for bare, _ in pairs)


def ratio(pairs: Sequence[Pair], name: str) -> Median:
    return median([other[name] / bare[name] for bare, other in pairs])


def verdict(found: float, limit: float) -> str:
    return f"limit {limit:g} {'kept' if found <= limit else 'MISSED'}"
