"""
One process in which an SDK's calls are timed: bare, with our hook, or with a peer's.

    python -m benchmarks.client_worker stub|together|loop SDK VARIANT URL [PROVIDER]

Flow: client_rounds (commands, one line of JSON each) -> **worker** -> an answer each; ends with its standard input.
Real clients (`client`) are made by `client_twins`.
CPU time of the calling thread is what the host pays at once, CPU time of the process, the delivery included, what it pays in all.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from benchmarks.client_kept import kept_waiting_ms, stolen_ms
from benchmarks.client_stubs import STUBS, Act, Subject

Answer = dict[str, Any]

MOMENT_MS = 1.0
"""From here on it is asked what a late moment was spent with."""
LOOK_EACH = 10
"""So many calls: what was waited for longer ago is not this moment's."""


def nothing() -> None: ...


def instrumented(subject: Subject, variant: str, url: str) -> Callable[[], object]:
    """Gets the subject's hook in place; gives what delivers everything recorded so far."""
    if variant != "hookline":
        return nothing
    from sdk_hooks import configure, flush, instrument, losses

    configure(url=url, spool_max_bytes=0)
    instrument(subject.client)

    def deliver() -> None:
        if not flush(60):
            raise SystemExit(f"not everything was delivered: {losses()}")

    return deliver


def time_calls(act: Act, calls: int, deliver: Callable[[], object]) -> Answer:
    """µs a call: wall and CPU time of the calling thread, and CPU time of all threads until everything is delivered."""
    process_ns, wall_ns, caller_ns = time.process_time_ns(), time.perf_counter_ns(), time.thread_time_ns()
    for _ in range(calls):
        act()
    caller_ns, wall_ns = time.thread_time_ns() - caller_ns, time.perf_counter_ns() - wall_ns
    deliver()
    process_ns = time.process_time_ns() - process_ns
    stay()
    return {"wall": wall_ns / calls / 1e3, "caller": caller_ns / calls / 1e3, "all": process_ns / calls / 1e3}


def stay() -> None:
    """
    From now on the calling thread is on one processor, the same for all that are compared: of two, one may have a busy neighbour.

    Not from the beginning: what a hook has started by now may run where it likes.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def grow(act: Act, calls: int, deliver: Callable[[], object]) -> Answer:
    """MB of memory that so many calls leave behind, delivered a thousand at a time."""
    before_mb = rss_mb()
    for _ in range(calls // 1_000):
        for _ in range(1_000):
            act()
        deliver()
    return {"mb": rss_mb() - before_mb}


def rss_mb() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6


def stall(act: Act, calls: int, deliver: Callable[[], object], *, each_s: float = 1e-3) -> Answer:
    """
    A host with something to do every millisecond: a call and a little work of its own. How late it is done with it, in ms.

    Two events a call: 2,000 a second. `own_ms` leaves out moments that other processes took.
    """
    late_ms: list[float] = []
    own_ms: list[float] = []
    stolen_before_ms = stolen_ms()
    due_s, before_ms = time.perf_counter(), kept_waiting_ms()
    for number in range(calls):
        due_s += each_s
        time.sleep(max(0.0, due_s - time.perf_counter()))
        act()
        work()
        now_s = time.perf_counter()
        late, kept_ms = (now_s - due_s) * 1e3, 0.0
        if late > MOMENT_MS or number % LOOK_EACH == 0:
            since_ms, before_ms = before_ms, kept_waiting_ms()
            kept_ms = before_ms - since_ms
        late_ms.append(late)
        if late <= MOMENT_MS or kept_ms < late / 2:
            own_ms.append(late)
        # One stall is counted once, not again in the calls that it delays.
        due_s = max(due_s, now_s - each_s)
    answer = {"late_ms": late_ms, "own_ms": own_ms, "stolen_ms": stolen_ms() - stolen_before_ms}
    deliver()
    return answer


def run(act: Any, calls: int, deliver: Callable[[], object]) -> Answer:
    """What an act says that measures itself, so many streams at once in an event loop or turns of three clients."""
    found = act(calls)
    deliver()
    return found


def work() -> int:
    """What the host does beside its calls: some tens of microseconds."""
    return sum(range(1_000))


def yardstick_ms() -> float:
    """How fast the machine is at the moment: a million additions."""
    began_ns = time.thread_time_ns()
    total = 0
    for number in range(1_000_000):
        total += number
    return (time.thread_time_ns() - began_ns) / 1e6


def main() -> None:
    kind, sdk, variant, url, provider = [*sys.argv[1:], ""][:5]
    serve(*made(kind, sdk, variant, url, provider), sys.stdin, sys.stdout)


def serve(subject: Subject, deliver: Callable[[], object], asking: TextIO, answers: TextIO) -> None:
    """Does what it is asked for, a line of JSON each, until nobody asks any more."""
    done: dict[str, Callable[[Act, int, Callable[[], object]], Answer]] = {"time": time_calls, "grow": grow, "stall": stall}
    done |= {"loop": run, "together": run}
    print(json.dumps({"acts": list(subject.acts)}), file=answers, flush=True)
    for line in asking:
        command = json.loads(line)
        if command["do"] == "yardstick":
            answer: Any = {"ms": yardstick_ms()}
        else:
            answer = done[command["do"]](subject.acts[command["act"]], command["calls"], deliver)
        print(json.dumps(answer), file=answers, flush=True)


def made(kind: str, sdk: str, variant: str, url: str, provider: str) -> tuple[Subject, Callable[[], object]]:
    """The subject and its hook. Peers patch classes, so theirs comes first."""
    from benchmarks.client_clients import CLIENTS
    from benchmarks.client_loop import openai as looping
    from benchmarks.client_peers import PEERS
    from benchmarks.client_together import together

    if variant in PEERS:
        deliver = PEERS[variant].begin(url)
        subject = CLIENTS[sdk](provider)
        PEERS[variant].wrap(subject.client)
        return subject, deliver
    kinds: dict[str, Callable[[], Subject]] = {
        "stub": STUBS[sdk],
        "client": lambda: CLIENTS[sdk](provider),
        "together": lambda: together(sdk, provider),
        "loop": looping,
    }
    subject = kinds[kind]()
    return subject, instrumented(subject, variant, url)


if __name__ == "__main__":
    main()
