"""
TanStack's own devtools bus of a dev server, in a Node process.
"""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

SCRIPT = Path(__file__).with_suffix(".mjs")
END_LIMIT_S = 60.0


class ServerBus:
    """Listens once it is entered; `port` is asked for again by the next one of the same place."""

    def __init__(self, packages: Path, port: int = 0) -> None:
        self._command = ["node", str(SCRIPT), str(port), str(packages)]
        self.port = port

    def __enter__(self) -> Self:
        environment = {**os.environ, "NODE_ENV": "development"}
        self._process = subprocess.Popen(
            self._command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        word, _, port = self._line().partition(" ")
        assert "listening" == word
        assert self.port in (0, int(port))
        self.port = int(port)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.communicate(timeout=END_LIMIT_S)

    def wait_for_client(self) -> None:
        """Until one more has connected."""
        assert "client" == self._line()

    def say(self, messages: Iterable[str]) -> None:
        """Dispatched in this order, as they are."""
        assert self._process.stdin is not None
        self._process.stdin.write("".join(f"{message}\n" for message in messages))
        self._process.stdin.flush()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
