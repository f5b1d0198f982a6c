"""
Two processes that take turns, and what one costs more than the other: medians with 95 % intervals.

Flow: client_overhead -> **rounds** -> client_worker (two of them, or client_twins) -> figures.
A machine that others use drifts; what is measured back to back and compared pair by pair does not see it.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from math import ceil, floor, sqrt
from pathlib import Path
from typing import IO, Any, NamedTuple

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
    """A process with one SDK, one variant, and the two ends by which it is asked. `calls` counts what it was asked to do."""

    def __init__(self, asking: IO[str], answers: IO[str], name: str) -> None:
        self._asking = asking
        self._answers = answers
        self._name = name
        self.calls = 0
        self.acts: list[str] = self._read()["acts"]

    def ask(self, do: str, act: str = "", calls: int = 0) -> dict[str, Any]:
        self._asking.write(json.dumps({"do": do, "act": act, "calls": calls}) + "\n")
        self._asking.flush()
        self.calls += calls
        return self._read()

    def _read(self) -> Any:
        line = self._answers.readline()
        if not line:
            raise SystemExit(f"a worker ended: {self._name}")
        return json.loads(line)


@contextmanager
def alone(kind: str, sdk: str, variant: str, url: str) -> Iterator[Worker]:
    """One process."""
    with _process(sys.executable, "benchmarks.client_worker", kind, sdk, variant, url, seed=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Worker(process.stdin, process.stdout, f"{kind} {sdk} {variant}")


@contextmanager
def twins(sdk: str, variant: str, url: str, python: Path | str, provider: str) -> Iterator[tuple[Worker, Worker]]:
    """A real client, bare, and another, in two processes that were one until a moment ago (`client_twins`)."""
    with ExitStack() as ends:
        theirs: list[tuple[int, int]] = []
        ours: list[tuple[IO[str], IO[str]]] = []
        for _ in range(2):
            (read, asking), (answers, write) = os.pipe(), os.pipe()
            theirs.append((read, write))
            ours.append((ends.enter_context(os.fdopen(asking, "w")), ends.enter_context(os.fdopen(answers))))
        passed = [f"{read},{write}" for read, write in theirs]
        seed = random.randrange(2**32)
        with _process(python, "benchmarks.client_twins", sdk, variant, url, provider, *passed, seed=seed, ends=theirs):
            for end in chain(*theirs):
                os.close(end)
            try:
                bare, other = (Worker(*own, f"{sdk} {kind}") for own, kind in zip(ours, ("bare", variant), strict=True))
                yield bare, other
            finally:
                # Before they are waited for: they end when nobody can ask them any more.
                ends.close()


def _process(
    python: Path | str, module: str, *told: str, seed: int, ends: Iterable[tuple[int, int]] = ()
) -> subprocess.Popen[str]:
    """Waited for where its `with` ends; with nothing of this one's environment."""
    return subprocess.Popen(
        [str(python), "-m", module, *told],
        cwd=ROOT,
        env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT), "HOME": "/nonexistent", "PATH": ""},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A peer may complain at every call.
        stderr=None if python == sys.executable else subprocess.DEVNULL,
        pass_fds=[*chain(*ends)],
    )


Pair = tuple[dict[str, Any], dict[str, Any]]


def take_turns(bare: Worker, other: Worker, act: str, calls: int, rounds: int, do: str = "time") -> list[Pair]:
    """So many pairs; who begins changes, for the second may find a warmer machine."""
    pairs: list[Pair] = []
    for number in range(rounds):
        first, second = (bare, other) if number % 2 else (other, bare)
        found = first.ask(do, act, calls), second.ask(do, act, calls)
        pairs.append((found[0], found[1]) if first is bare else (found[1], found[0]))
    return pairs


def in_both_orders(pairs: Sequence[Pair]) -> list[Pair]:
    """
    Two turns of each in one pair. `take_turns` changes who begins: so each comes once behind itself and once behind the other.

    Behind the other it finds its memory cold: measured, that is as much as a hook costs.
    """

    def mean(one: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
        return {name: (one[name] + more[name]) / 2 for name in one}

    return [
        (mean(bare, bare_again), mean(other, other_again))
        for (bare, other), (bare_again, other_again) in zip(pairs[::2], pairs[1::2], strict=True)
    ]


def middle(pairs: Sequence[Pair]) -> Pair:
    """
    What a pair of processes took: one value of each, where many pairs are compared.

    Turn by turn: where a machine changes its speed while they run, the medians of the two alone may be of different speeds.
    """
    bare = {name: median([one[name] for one, _ in pairs]).value for name in pairs[0][0]}
    return bare, {name: took * ratio(pairs, name).value for name, took in bare.items()}


def calmest(pairs: Sequence[Pair]) -> Pair:
    """The same of their calm turns: for each of the two the turn that a sixth of its turns were faster than, or its fastest."""

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
