"""
Starts collectors and hosts in milliseconds: one process imports everything once, then forks what it is asked for.

Flow: `python -m tests.end_to_end.kills.nursery` <- one line of JSON a child on standard input -> the child's process id on
standard output. A child is a process of its own, killed by its own id. When standard input ends, so do all children: a harness
that dies leaves nothing behind.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tests.end_to_end.processes import wait_for
from tests.fakes.environment import clean_environment


class Child:
    """A forked process. `kill` comes back when it is gone."""

    def __init__(self, pid: int, exit_path: Path) -> None:
        self.pid = pid
        self._exit_path = exit_path

    def is_alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self) -> None:
        """kill -9: nothing gets a chance to tidy up."""
        self.signal(signal.SIGKILL)
        self.wait()

    def signal(self, number: int) -> None:
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return

    def wait(self, *, limit_s: float = 100.0) -> int:
        """Its exit code; negative for the signal that ended it."""
        return int(wait_for(f"process {self.pid} to end", self._exit_text, limit_s=limit_s))

    def _exit_text(self) -> str | None:
        return self._exit_path.read_text() if self._exit_path.exists() else None


class Nursery:
    """The warm process. `with` ends it and every child."""

    def __enter__(self) -> Self:
        self._exits = Path(tempfile.mkdtemp(prefix="hookline-nursery-"))
        command = [sys.executable, "-m", "tests.end_to_end.kills.nursery", str(self._exits)]
        clean = clean_environment()
        self._process = subprocess.Popen(
            command, env=clean, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(100)
        shutil.rmtree(self._exits, ignore_errors=True)

    def start(self, what: str, *, environment: Mapping[str, str], log_path: Path, arguments: Sequence[str] = ()) -> Child:
        """A new process of the kind `what` (see CHILDREN), with these variables beside the clean environment."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"what": what, "environment": dict(environment), "log": str(log_path), "arguments": list(arguments)}
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        pid = int(self._process.stdout.readline())
        return Child(pid, self._exits / str(pid))


def _command(arguments: Sequence[str]) -> int:
    from collector.__main__ import run

    return run(list(arguments))


def _serve(arguments: Sequence[str]) -> int:
    return _command(["serve", *arguments])


def _serve_hastily(arguments: Sequence[str]) -> int:
    from tests.end_to_end.kills.hasty import acknowledge_before_commit

    acknowledge_before_commit()
    return _serve(arguments)


def _host(arguments: Sequence[str]) -> int:
    from tests.end_to_end.kills.host import call_until_told

    return call_until_told(*arguments)


def _send_spool(arguments: Sequence[str]) -> int:
    from sdk_hooks.spool.__main__ import main as spool

    return spool(["send", *arguments])


def _upgrade(arguments: Sequence[str]) -> int:
    from collector.storage import schema

    url, scripts = arguments
    schema.upgrade(url, scripts=Path(scripts))
    return 0


CHILDREN: Mapping[str, Callable[[Sequence[str]], int]] = {
    "command": _command,
    "serve": _serve,
    "serve_hastily": _serve_hastily,
    "host": _host,
    "send_spool": _send_spool,
    "upgrade": _upgrade,
}


def _import_everything() -> None:
    """What the children would import one after the other, also what they import late. None of it starts a thread."""
    import genai_prices
    import openai.resources.chat
    import opentelemetry.exporter.otlp.proto.http.trace_exporter
    import uvicorn.loops.uvloop
    import uvicorn.protocols.http.httptools_impl

    import collector.assembly.assembler
    import collector.cli.commands
    import collector.exporters.otlp
    import collector.server
    import sdk_hooks.hooks.openai

    del genai_prices, openai, opentelemetry, uvicorn, collector, sdk_hooks


def _become(asked: Mapping[str, Any]) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(asked["log"], os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    os.environ.update(asked["environment"])
    return CHILDREN[asked["what"]](asked["arguments"])


def _note_exits(folder: Path) -> None:
    """A file for each child that ended, by its process id, with its exit code."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        unfinished = folder / f"{pid}.new"
        unfinished.write_text(str(os.waitstatus_to_exitcode(status)))
        unfinished.rename(folder / str(pid))


def main(exits: Path) -> None:
    _import_everything()
    signal.signal(signal.SIGCHLD, lambda number, frame: _note_exits(exits))
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                code = _become(json.loads(line))
            finally:
                sys.stdout.flush()
                os._exit(code)
        print(pid, flush=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
