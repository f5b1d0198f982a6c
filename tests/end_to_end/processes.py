"""
A real collector in a process of its own, for tests that look at the product from outside.

Started with the same command a user types; killed by its own process id; every wait is bounded.
"""

import contextlib
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.fakes.environment import clean_environment
from tests.fakes.ports import free_port

T = TypeVar("T")

START_LIMIT_S = 60.0
STOP_LIMIT_S = 40.0


def wait_for(what: str, look: Callable[[], T | None], *, limit_s: float = 60.0) -> T:
    """The first answer of `look` that is neither None nor False; fails after `limit_s`, naming `what`."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        found = look()
        if found is not None and found is not False:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {limit_s} s in vain for {what}")


@dataclass(kw_only=True)
class CollectorProcess:
    """`hookline serve` on a free port. `env` is added to a clean environment without any other HOOKLINE_ or OTEL_ variable."""

    database_url: str
    log_path: Path
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def memory_mib(self, what: str = "VmRSS") -> float:
        """What the process has in memory now, or another line of its status: `VmHWM` is the most that it had."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(what))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> Self:
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "collector", "serve"], env=self.environment(), stdout=log, stderr=subprocess.STDOUT
            )
        try:
            wait_for("the collector to be ready", self._is_ready, limit_s=START_LIMIT_S)
        except BaseException:
            # `with` stops only what was entered: one that never got ready would outlive the tests.
            self.kill()
            raise
        return self

    def environment(self) -> dict[str, str]:
        """The environment that the server and commands talking to it run in."""
        clean = clean_environment()
        ours = {"HOOKLINE_DATABASE_URL": self.database_url, "HOOKLINE_PORT": str(self.port), "HOOKLINE_URL": self.url}
        ours["HOOKLINE_SPOOL_DIR"] = str(self.log_path.parent / "spool")
        return clean | ours | dict(self.env)

    def _is_ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the collector ended with {self.process.returncode}:\n{self.log_path.read_text()[-4000:]}")
        with contextlib.suppress(OSError):
            return self.get_status("/readyz") == 200
        return False

    def kill(self) -> None:
        """kill -9: nothing gets a chance to tidy up."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_LIMIT_S)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def command(self, *arguments: str, timeout_s: float = 100.0) -> subprocess.CompletedProcess[str]:
        """Run `hookline <arguments>` as a user would beside this server."""
        return subprocess.run(
            [sys.executable, "-m", "collector", *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def get_status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=100) as answer:
            return json.load(answer)

    def post(self, body: Any, *, headers: Mapping[str, str] | None = None) -> Any:
        """POST events as JSON; the decoded answer. Raises HTTPError or URLError like urllib."""
        request = urllib.request.Request(
            self.url + "/v1/events",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **(headers or {})},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=100) as answer:
            return json.load(answer)

    def all_calls(self) -> list[dict[str, Any]]:
        """Every call, over all pages."""
        return list(self._pages("/v1/calls?limit=1000"))

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        cursor = ""
        while True:
            page = self.get(path + cursor)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = f"&cursor={page['next_cursor']}"

    def wait_until_settled(self, request_ids: Sequence[str], *, limit_s: float = 60.0) -> dict[str, dict[str, Any]]:
        """The calls by request id, once none of the named ones is running."""

        def look() -> dict[str, dict[str, Any]] | None:
            calls = {call["request_id"]: call for call in self.all_calls()}
            done = all(name in calls and calls[name]["status"] != "running" for name in request_ids)
            return calls if done else None

        return wait_for(f"{len(request_ids)} calls to settle", look, limit_s=limit_s)
