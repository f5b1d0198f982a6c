"""
What the hooks cost a host, with content on, beside the limits that they are to keep; and what peers cost.

    python -m benchmarks.client_overhead [--rounds 40] [--sdk openai] [--part isolated] [--peers FOLDER]

Bare and wrapped run in processes of their own and take turns, pair by pair; figures are medians with their 95 % interval. Real
clients' processes are twins, forked from one that has used the client; each pair's memory is laid out in another way. The
receiver of the events is a process of its own, and the run fails unless every timed call arrived there with its messages, its
text piece by piece, and its usage. `--peers` makes an environment for each peer in FOLDER (some GB, once) and times them, too.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import strftime
from typing import Any, NamedTuple
from urllib.request import urlopen

from benchmarks.client_awake import awake
from benchmarks.client_beside import beside
from benchmarks.client_late import print_late, print_latest
from benchmarks.client_peers import PEERS, environment, installed
from benchmarks.client_rounds import (
    ROOT,
    Median,
    Pair,
    Worker,
    added,
    alone,
    calmest,
    in_both_orders,
    least,
    median,
    middle,
    ratio,
    take_turns,
    twins,
    verdict,
)
from benchmarks.client_said import CHUNKS
from benchmarks.client_stubs import STUBS
from benchmarks.client_together import NAMES

IMPORTS = {
    "sdk_hooks": "import sdk_hooks",
    "all that it offers": "from sdk_hooks import *; from sdk_hooks import instrument, observe, session, flush",
}


SETS = 25
"""
Fresh processes, or pairs of them. Two that do the same differ by some per cent for as long as they live, by where their memory
lies: the interval is that over processes, and not over what one of them did again and again.
"""

PEER_SETS = 9

TURN_US = 100_000
WARM_TURNS = 14
"""It takes so many until a fresh process's calls cost what they cost from then on: openai's chat 25 µs of ours, then 11."""

STALL_CALLS = 1_000
"""A turn of a second: some rounds of the emitter."""


class Bench(NamedTuple):
    """
    `hook` is ours, or one that records nothing; `recorded` counts the calls that must have arrived.

    `provider` is the address of one that answers over HTTP; without it, clients' transports answer by themselves.
    """

    url: str
    rounds: int
    sdks: list[str]
    hook: str
    recorded: list[int]
    provider: str = ""

    @contextmanager
    def pair(
        self, kind: str, sdk: str, variant: str = "", python: Path | str = sys.executable
    ) -> Iterator[tuple[Worker, Worker]]:
        """A bare process and another: with our hook, or with a peer's. Those of a real client (`client`) are twins."""
        variant = variant or self.hook
        with ExitStack() as processes:
            if kind == "client":
                bare, ours = processes.enter_context(twins(sdk, variant, self.url, python, self.provider))
            else:
                bare, ours = (processes.enter_context(alone(kind, sdk, name, self.url)) for name in ("bare", variant))
            yield bare, ours
        if variant == self.hook != "bare":
            self.recorded[0] += ours.calls


# -- the hook alone -------------------------------------------------------------------------------------------------------


def isolated(bench: Bench) -> None:
    print("\nThe hook alone: the SDK's method gives back an answer that was made before. Added, µs CPU (of the fastest rounds)")
    print(f"{'':<26}{'in the caller':<48}all threads, delivery included", flush=True)
    for sdk in bench.sdks:
        with bench.pair("stub", sdk) as (bare, wrapped):
            pairs: dict[str, list[Pair]] = {act: [] for act in wrapped.acts}
            for worker in (bare, wrapped):
                for act in worker.acts:
                    worker.ask("time", act, 50)
            for act in pairs:
                calls = 20 if act == "stream" else 300
                pairs[act] = take_turns(bare, wrapped, act, calls, bench.rounds)
        for act in ("chat", "responses"):
            if act in pairs:
                print_alone(f"{sdk:<15}{act:<11}", pairs[act])
        print_chunk(sdk, pairs["stream"], pairs["short stream"])


def print_alone(name: str, pairs: list[Pair]) -> None:
    shown: list[str] = []
    for which, limit in (("caller", 10), ("all", 60)):
        found = added(pairs, which)
        shown.append(f"{found.shown()} ({least(pairs, which):.1f}) {verdict(found.value, limit)}")
    print(f"{name}{shown[0]:<48}{shown[1]}", flush=True)


def print_chunk(sdk: str, long: list[Pair], short: list[Pair]) -> None:
    """A chunk is what a stream of a hundred costs more than a stream of one."""

    def each(name: str) -> Median:
        whole = zip(long, short, strict=True)
        return median(
            [(ours[name] - bare[name] - (one[name] - none[name])) / (CHUNKS - 1) for (bare, ours), (none, one) in whole]
        )

    caller = each("caller")
    fastest = (least(long, "caller") - least(short, "caller")) / (CHUNKS - 1)
    print(f"{sdk:<15}{'chunk':<11}{f'{caller.shown(2)} ({fastest:.2f}) {verdict(caller.value, 1)}':<48}{each('all').shown(2)}")
    whole = f"{added(short, 'caller').shown()} ({least(short, 'caller'):.1f})"
    print(f"{sdk:<15}{'1-chunk':<11}{whole:<48}{added(short, 'all').shown()}", flush=True)


# -- the real client ------------------------------------------------------------------------------------------------------


def in_client(bench: Bench) -> None:
    way = "over HTTP to a provider on this machine" if bench.provider else "over a transport that answers at once"
    print(f"\nIn the real client, {way}, {SETS} pairs of twins. Added µs, and times bare")
    for sdk in bench.sdks:
        found: dict[str, list[Pair]] = {}
        calm: dict[str, list[Pair]] = {}
        for _ in range(SETS):
            with bench.pair("client", sdk) as (bare, wrapped):
                for act in wrapped.acts:
                    turns = timed(bare, wrapped, act, bench.rounds // 4)
                    found.setdefault(act, []).append(middle(turns))
                    calm.setdefault(act, []).append(calmest(turns))
        for act, pairs in found.items():
            print_client(f"{sdk:<15}{act:<11}", pairs, 1.03)
            told = ratio(calm[act], "caller")
            print(f"{'':<26} in calm turns {added(calm[act], 'caller').shown(0)}  x {told.shown(3)} {verdict(told.value, 1.03)}")


def over_http(bench: Bench) -> None:
    with started("benchmarks.client_provider") as provider:
        in_client(bench._replace(provider=provider))


def timed(bare: Worker, other: Worker, act: str, rounds: int) -> list[Pair]:
    """Turns of a tenth of a second or more: a turn begins with memory that is cold, for another process came before."""
    fewest = calls_a_turn(act)
    first = take_turns(bare, other, act, fewest, 2)
    calls = max(fewest, round(TURN_US / median([one["wall"] for one, _ in first]).value))
    take_turns(bare, other, act, calls, WARM_TURNS if act == bare.acts[0] else 1)
    return in_both_orders(take_turns(bare, other, act, calls, 2 * max(1, rounds // 2)))


def calls_a_turn(act: str) -> int:
    """Of a stream fewer: it takes as long as ten calls."""
    return 5 if act == "stream" else 40


def print_client(name: str, pairs: list[Pair], limit: float | None) -> None:
    base = median([bare["caller"] for bare, _ in pairs]).value
    told = ratio(pairs, "caller")
    kept = "" if limit is None else verdict(told.value, limit)
    print(
        f"{name} bare {base:7.0f}  caller {added(pairs, 'caller').shown(0):<20} x {told.shown(3)} {kept}"
        f"  wall x {ratio(pairs, 'wall').shown(3)}  all threads {added(pairs, 'all').shown(0)}"
    )


def in_one_process(bench: Bench) -> None:
    print(
        f"\nA bare client, a hooked one and a bare one in one process, call by call, {SETS} processes. Added µs, and times bare"
    )
    for sdk in bench.sdks:
        found: dict[str, list[Compared]] = {}
        for _ in range(SETS):
            with alone("together", sdk, bench.hook, bench.url) as worker:
                for act in worker.acts:
                    found.setdefault(act, []).append(compared(worker, act, max(3, bench.rounds // 4)))
            bench.recorded[0] += worker.calls
        for act, processes in found.items():
            bare, more, times, noise = (median(values) for values in zip(*processes, strict=True))
            print(
                f"{sdk:<15}{act:<11} bare {bare.value:7.0f}  caller {more.shown(0):<20} x {times.shown(3)}"
                f" {verdict(times.value, 1.03)}  bare x bare {noise.shown(3)}",
                flush=True,
            )


class Compared(NamedTuple):
    """One process: what a bare call took, what the hook added, how many times bare that is, and the second bare client of it."""

    bare: float
    more: float
    times: float
    noise: float


def compared(worker: Worker, act: str, rounds: int) -> Compared:
    found: dict[str, list[float]] = {}
    for number in range(rounds + 2):
        told = worker.ask("together", act, calls_a_turn(act))
        if number >= 2:
            for who, took in told.items():
                found.setdefault(who, []).extend(took)
    bare, hooked, again = (found[who] for who in NAMES)
    plain = [(one + other) / 2 for one, other in zip(bare, again, strict=True)]
    return Compared(
        median(plain).value,
        median([ours - none for ours, none in zip(hooked, plain, strict=True)]).value,
        median([ours / none for ours, none in zip(hooked, plain, strict=True)]).value,
        median([other / one for one, other in zip(bare, again, strict=True)]).value,
    )


# -- the host around it ---------------------------------------------------------------------------------------------------


def host(bench: Bench) -> None:
    print("\nThe host around it (openai). A bare host's figures of the same minutes are the machine's own noise")
    with bench.pair("stub", "openai") as (bare, wrapped):
        turns: list[Pair] = []
        crowded: list[dict[str, Any]] = []
        with awake():
            for _ in range((bench.rounds + 1) // 2):
                turns += take_turns(bare, wrapped, "chat", STALL_CALLS, 2, "stall")
                with beside():
                    crowded += [bare.ask("stall", "chat", STALL_CALLS) for _ in range(2)]
        print_late(turns)
        print_latest("bare", [alone for alone, _ in turns])
        print_latest("bare, beside a process that works as much as our thread", crowded)
        print_latest("wrapped", [ours for _, ours in turns])
        bare_mb, ours_mb = (found["mb"] for found in take_turns(bare, wrapped, "chat", 20_000, 1, "grow")[0])
        print(f"memory over 20,000 calls, MB: bare {bare_mb:.1f}, wrapped {ours_mb:.1f} {verdict(ours_mb - bare_mb, 5)}")


def loop(bench: Bench) -> None:
    print("\nAn event loop with 200 streams (openai). A bare one's figures of the same minutes are the machine's own noise")
    with bench.pair("loop", "openai") as (bare, wrapped), awake():
        take_turns(bare, wrapped, "streams", 20, 1, "loop")
        delays = take_turns(bare, wrapped, "streams", 200, max(2, bench.rounds // 10), "loop")
    mean = added(delays, "mean")
    print(f"event loop with 200 streams, mean delay added, ms: {mean.shown(3)} {verdict(mean.value, 0.2)}")
    for name in ("mean", "p99", "max"):
        print_both(f"event loop with 200 streams, {name}, ms", delays, name, None)
    print_both("share of its time that the loop works", delays, "busy", None)


def print_both(what: str, pairs: list[Pair], name: str, limit: float | None) -> None:
    bare, ours = (median([pair[side][name] for pair in pairs]).value for side in (0, 1))
    print(f"{what}: bare {bare:.2f}, wrapped {ours:.2f} {'' if limit is None else verdict(ours, limit)}", flush=True)


def imports(bench: Bench) -> None:
    print("\nImport, ms (CPU time of a fresh process; wall)")
    for name, code in IMPORTS.items():
        cpu, wall = import_ms(code, bench.rounds, sys.executable)
        print(f"{name:<20} {cpu.shown():<22} {wall.shown():<22} {verdict(cpu.value, 30)}")


def import_ms(code: str, rounds: int, python: Path | str, before: str = "pass") -> tuple[Median, Median]:
    """CPU and wall time of importing it, after `before`."""
    timing = "import time; b, w = time.process_time(), time.perf_counter()"
    telling = "print((time.process_time() - b) * 1e3, (time.perf_counter() - w) * 1e3)"
    program = f"{before}\n{timing}\n{code}\n{telling}"
    told: list[list[float]] = []
    for _ in range(rounds):
        done = subprocess.run([python, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True, env={})
        told.append([float(part) for part in done.stdout.split()])
    return median([cpu for cpu, _ in told]), median([wall for _, wall in told])


# -- peers ----------------------------------------------------------------------------------------------------------------


def peers(bench: Bench, folder: Path) -> None:
    """All of them in turns, a fresh pair of processes each time, so that the same minutes are everybody's."""
    print(f"\nPeers, in openai's real client, {PEER_SETS} pairs of twins each, in turns")
    pythons: dict[str, Path | str] = {bench.hook: sys.executable}
    titles = {bench.hook: bench.hook}
    for name in PEERS:
        python = environment(name, folder)
        if python is not None:
            pythons[name], titles[name] = python, f"{name} {installed(name, python)}"
    found: dict[str, dict[str, list[Pair]]] = {}
    for _ in range(PEER_SETS):
        for name, python in [*pythons.items()]:
            try:
                with bench.pair("client", "openai", name, python) as pair:
                    for act in ("chat", "stream", "responses"):
                        turns = timed(*pair, act, bench.rounds // 4)
                        found.setdefault(name, {}).setdefault(act, []).append(middle(turns))
            except SystemExit as why:
                # Its own packages don't go together, or not with this openai.
                print(f"{titles[name]}: {why}", file=sys.stderr)
                del pythons[name]
                found.pop(name, None)
    for name, acts in found.items():
        for act, pairs in acts.items():
            print_client(f"{titles[name]:<24}{act:<10}", pairs, None)
        loaded, _ = import_ms(_loading(name), 5, pythons[name], "import openai")
        print(f"{titles[name]:<24} import {loaded.shown(0)} ms", flush=True)


def _loading(name: str) -> str:
    """What a host imports."""
    return f"import {PEERS[name].loaded}" if name in PEERS else "from sdk_hooks import instrument"


# -- all of it ------------------------------------------------------------------------------------------------------------


@contextmanager
def started(server: str) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, "-m", server]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


def check(bench: Bench) -> None:
    """Every call that was timed is whole at the receiver."""
    with urlopen(bench.url) as answer:
        found = json.load(answer)
    made = bench.recorded[0]
    if not found["started"] == found["whole"] == made:
        raise SystemExit(f"{made} calls were timed; arrived whole: {found['whole']}, begun: {found['started']}")
    print(f"\n{made} calls of ours were timed; each arrived with its messages, its text piece by piece and its usage")


PARTS: dict[str, Callable[[Bench], None]] = {
    "isolated": isolated,
    "client": in_client,
    "http": over_http,
    "together": in_one_process,
    "host": host,
    "loop": loop,
    "imports": imports,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--sdk", choices=STUBS, action="append")
    parser.add_argument("--part", choices=PARTS, action="append")
    hooks = ("hookline", "silent", "bare")
    parser.add_argument(
        "--hook", choices=hooks, default=hooks[0], help="silent: records nothing, must fail. bare: a second bare one"
    )
    parser.add_argument("--peers", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    with started("benchmarks.client_receiver") as url:
        bench = Bench(url, asked.rounds, asked.sdk or list(STUBS), asked.hook, [0])
        print(f"{strftime('%Y-%m-%d %H:%M %Z')}, Python {sys.version.split()[0]}; {speed(url)}")
        for part in asked.part or ([] if asked.peers else PARTS):
            PARTS[part](bench)
        if asked.peers:
            peers(bench, asked.peers)
        check(bench)
        print(speed(url))


def speed(url: str) -> str:
    """So that figures of another machine, or another hour, can be compared."""
    with alone("stub", "openai", "bare", url) as worker:
        found = median([worker.ask("yardstick")["ms"] for _ in range(9)])
    return f"a million additions in a loop took {found.shown()} ms"


if __name__ == "__main__":
    main()
