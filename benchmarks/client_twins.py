"""
Two processes of one: they are forked from a process that has used an SDK's client, and only then one of them gets its hook.

    python -m benchmarks.client_twins SDK VARIANT URL PROVIDER READ,WRITE READ,WRITE

Flow: client_rounds (a pipe to each twin, one from each) -> **twins** -> client_worker in both of them.
Two processes that are started one by one differ by some per cent for life: what lies where in memory, and which names share a
place in the interpreter's cache of attributes. Twins have that from one process; and that of the next pair is another one,
drawn at random, so that what favours one of two twins does not do so in every pair.
"""

import gc
import os
import random
import sys

from benchmarks.client_worker import made, serve

WARM_CALLS = 20
KINDS_TAGGED = 4_096
"""So many places the interpreter's cache of attributes has: where those of a class lie depends on how many classes came first."""
HOLES = 20_000


def shuffle_memory() -> list[bytes]:
    """Gives what has to be kept: what comes later lies in the holes between."""
    for _ in range(random.randrange(KINDS_TAGGED)):
        # Asked for an attribute, a class gets its number.
        getattr(type("Kind", (), {}), "name", None)
    kept = [bytes(random.randrange(400)) for _ in range(random.randrange(2 * HOLES))]
    random.shuffle(kept)
    del kept[::2]
    return kept


def be_twin(sdk: str, variant: str, url: str, provider: str, read: int, write: int) -> None:
    # A client of its own, for a connection and an event loop can't be shared: both make the same one at the same moment.
    subject, deliver = made("client", sdk, variant, url, provider)
    # What both have of the process that they were is copied when one of them writes there: now, and not while it is timed.
    gc.collect()
    with os.fdopen(read) as asking, os.fdopen(write, "w") as answers:
        serve(subject, deliver, asking, answers)


def main() -> None:
    sdk, variant, url, provider, *pipes = sys.argv[1:]
    kept = shuffle_memory()
    subject, _ = made("client", sdk, "bare", url, "")
    for act in subject.acts.values():
        for _ in range(WARM_CALLS):
            act()
    twins: list[int] = []
    ends = [tuple(map(int, pipe.split(","))) for pipe in pipes]
    for kind, own in zip(("bare", variant), ends, strict=True):
        twin = os.fork()
        if twin == 0:
            for end in {*sum(ends, ())} - {*own}:
                os.close(end)
            be_twin(sdk, kind, url, provider, *own)
            sys.stdout.flush()
            os._exit(0)
        twins.append(twin)
    for end in sum(ends, ()):
        os.close(end)
    for twin in twins:
        os.waitpid(twin, 0)
    del kept


if __name__ == "__main__":
    main()
