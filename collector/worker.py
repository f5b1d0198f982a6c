"""
The process that assembles for a busy collector: `python -m collector.worker FD`, started by nobody but a collector.

Flow: WorkerProcess == line == **worker** -> storage (reading) -> pipeline.bench. It ends when the line is cut.
"""

import signal
import socket
import sys
from typing import Any

import msgspec

from collector import prices
from collector.errors import HooklineError
from collector.exporters import encoder_of
from collector.logs import configure_logs
from collector.memory import bound_malloc, keep_what_the_start_made
from collector.pipeline.bench import Bench, Failure, Worked, real_assembly
from collector.pipeline.line import Line, LineCut
from collector.pipeline.worker_process import READY, Task, WorkPlan
from collector.storage.engines import open_store

_encode = msgspec.msgpack.Encoder().encode
_read_task = msgspec.msgpack.Decoder(Task).decode


def main() -> None:
    """Answer tasks until the collector ends."""
    # Ctrl-C goes to all processes of a terminal: the collector stops in order, and then this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    bound_malloc()
    line = Line(socket.socket(fileno=int(sys.argv[1])), limit_s=None)
    try:
        plan = msgspec.msgpack.decode(line.receive(), type=WorkPlan)
        configure_logs(level=plan.log_level, log_format=plan.log_format)
        bench = _bench(plan)
        # Now, while the collector itself still works on everything: the first task would take half a second longer.
        prices.load()
        keep_what_the_start_made()
        line.send(READY)
        while True:
            task = _read_task(line.receive())
            line.send(_answer(bench, task))
    except LineCut:
        return


def _bench(plan: WorkPlan) -> Bench:
    store = open_store(plan.database_url, settle_ms=plan.timing.settle_ms, read_only=True)
    assemble = real_assembly(capture_content=plan.capture_content)
    encoders = {destination: encoder_of(destination) for destination in plan.destinations}
    return Bench(store, assemble, encoders, timing=plan.timing, sampling=plan.sampling)


def _answer(bench: Bench, task: Task) -> bytes:
    """What became of a task; nothing where the database can't be read: the collector itself will find out why."""
    try:
        worked = bench.work(task.claimed, now_ms=task.now_ms)
    except HooklineError:
        return b""
    try:
        return _encode(worked)
    except (TypeError, ValueError, OverflowError):
        return _encode(_only_sayable(worked))


def _only_sayable(worked: Worked) -> Worked:
    """Numbers that no message can carry no database can keep: the calls that have them failed."""
    failures: list[Failure] = [*worked.failures]
    sayable: list[Any] = []
    for one in worked.settlements:
        try:
            _encode(one)
            sayable.append(one)
        except (TypeError, ValueError, OverflowError) as exc:
            name = type(exc).__name__
            failures.append(Failure(project=one.project, request_id=one.request_id, error=name, at="collector.worker"))
    return Worked(settlements=tuple(sayable), failures=tuple(failures), not_encoded=worked.not_encoded)


if __name__ == "__main__":
    main()
