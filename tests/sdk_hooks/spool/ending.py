"""
A host that records and ends in one of the ways processes end. Run by test_real_processes.py: `ending.py <way> <calls>`.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
import time

from sdk_hooks import configure, shutdown
from sdk_hooks.recorder import Shape, as_it_is, start_call
from sdk_hooks.runtime import current_runtime

SHAPE = Shape("text", as_it_is, as_it_is)
FLUSH_INTERVAL_S = 0.2
CHILDREN = 6


def record(name: str, count: int = 1) -> None:
    for _ in range(count):
        call = start_call(SHAPE, {}, provider="test", model=name)
        assert call is not None
        call.complete()


def pass_flush_interval() -> None:
    """As long as the emitter needs to bring everything to safety by itself: the interval, and what a busy machine adds."""
    emitter = current_runtime().emitter
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s and not emitter.is_idle:
        time.sleep(0.05)


def end_of_script(calls: int) -> None:
    record("end_of_script", calls)


def exit_code(calls: int) -> None:
    record("exit_code", calls)
    sys.exit(3)


def exception(calls: int) -> None:
    record("exception", calls)
    raise RuntimeError("the host's own mistake")


def hard_exit(calls: int) -> None:
    record("hard_exit", calls)
    pass_flush_interval()
    os._exit(4)


def sigterm(calls: int) -> None:
    record("sigterm", calls)
    pass_flush_interval()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)


def handled_sigterm(calls: int) -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    record("handled_sigterm", calls)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)


def event_loop(calls: int) -> None:
    async def work() -> None:
        record("event_loop", calls)
        await asyncio.sleep(0)

    asyncio.run(work())


def fork_in_thread(calls: int) -> None:
    record("fork_parent", calls)

    def fork() -> None:
        child = os.fork()
        if child == 0:
            record("fork_in_thread", calls)
            os._exit(0 if shutdown(60.0) else 9)
        assert os.waitpid(child, 0)[1] == 0

    thread = threading.Thread(target=fork)
    thread.start()
    thread.join()


def forked_worker(calls: int) -> None:
    """As gunicorn with --preload: the parent recorded before it forked, the worker ends by SIGTERM as its handler says."""
    record("fork_parent", calls)
    pass_flush_interval()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
        record("forked_worker", calls)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    os.waitpid(child, 0)


def fork_while_loading(calls: int) -> None:
    """As a server that preloads: workers are forked while our thread imports what it needs."""
    record("fork_parent", calls)
    children: list[int] = []
    for _ in range(CHILDREN):
        child = os.fork()
        if child == 0:
            record("fork_while_loading", calls)
            os._exit(0 if shutdown(60.0) else 9)
        children.append(child)
        time.sleep(0.01)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0


def spawned(calls: int) -> None:
    worker = multiprocessing.get_context("spawn").Process(target=record, args=("spawned", calls))
    worker.start()
    worker.join()


def sync_delivery(calls: int) -> None:
    configure(delivery="sync")
    record("sync_delivery", calls)
    os.kill(os.getpid(), signal.SIGKILL)


WAYS = {
    way.__name__: way
    for way in (
        end_of_script, exit_code, exception, hard_exit, sigterm, handled_sigterm, event_loop, fork_in_thread, forked_worker,
        fork_while_loading, spawned, sync_delivery,
    )
}  # fmt: skip

if __name__ == "__main__":
    WAYS[sys.argv[1]](int(sys.argv[2]))
