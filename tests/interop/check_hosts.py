"""
Do real servers of applications lose or double a call? gunicorn, uvicorn, Celery, multiprocessing and a notebook's kernel, each
with the collector there, and with the collector away and back later.

    python -m tests.interop.check_hosts [--packages FOLDER] [--only NAME ...]

Each is started as people start it, makes calls through `host_app`, and is stopped by SIGTERM (a kernel by its client). It is no
part of `make test`: the servers are installed from the package index into FOLDER (some 60 MB; a temporary one unless named).
Everything listens on loopback, and only processes that were started here are ended, by their ids.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from collector.demo.provider import start_provider
from collector.storage import schema
from tests.fakes.environment import clean_environment
from tests.fakes.ports import free_port
from tests.fakes.running import Running, eventually, running_collector

ROOT = Path(__file__).parents[2]
APP = "tests.interop.host_app"
PACKAGES = ("gunicorn==27.0.1", "uvicorn-worker", "celery==5.7.0", "ipykernel", "jupyter_client", "gevent")
CALLS = 30
START_LIMIT_S = STOP_LIMIT_S = 90

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """
    One way to run an application.

    `run(environment, folder)` starts it, lets it make its calls and ends it. `calls` are the names under which the calls are
    to be found, each once.
    """

    run: Callable[[Environment, Path], None]
    calls: tuple[str, ...]


def main() -> int:
    """0 if every call of every host is there once, in both cases."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--packages", type=Path, help="where the servers are or shall be installed, to be kept")
    options.add_argument("--only", nargs="+", choices=sorted(HOSTS), default=sorted(HOSTS))
    given = options.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory(prefix="hookline-hosts-") as scratch:
        packages = install(given.packages or Path(scratch) / "packages")
        for name in given.only:
            for away in (False, True):
                folder = Path(scratch) / f"{name}-{'away' if away else 'there'}"
                folder.mkdir()
                problem = check(HOSTS[name], packages, folder, away=away)
                failures += bool(problem)
                state = "collector away, back later" if away else "collector there"
                print(f"{'✗' if problem else '✓'} {name}, {state}: {problem or f'{len(HOSTS[name].calls)} calls, each once'}")
                sys.stdout.flush()
    return 1 if failures else 0


def install(folder: Path) -> Path:
    """The folder that has the servers."""
    if not (folder / "gunicorn").exists():
        print(f"installing {', '.join(PACKAGES)} into {folder} (a minute)", flush=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder)]
        subprocess.run([*command, *PACKAGES], check=True, timeout=600)
    return folder


def check(host: Host, packages: Path, folder: Path, *, away: bool) -> str | None:
    """What is wrong, or None. Spans and workers have their own tests: this counts rows."""
    url = f"sqlite:///{folder / 'hookline.db'}"
    schema.prepare(url)
    port = free_port()
    with start_provider() as provider:
        environment = clean_environment() | {
            "PYTHONPATH": f"{ROOT}:{packages}",
            "HOOKLINE_URL": f"http://127.0.0.1:{port}",
            "HOOKLINE_SPOOL_DIR": str(folder / "spool"),
            "HOST_PROVIDER_URL": provider.base_url,
            "HOST_QUEUE": str(folder / "queue"),
        }
        if away:
            host.run(environment, folder)
        with running_collector(url, port=port, idle_timeout_s=600) as collector:
            if not away:
                host.run(environment, folder)
            command = [sys.executable, "-m", "sdk_hooks.spool", "send"]
            subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, timeout=120)
            return compare(collector, host)


def compare(collector: Running, host: Host) -> str | None:
    """Each call once, with its beginning and its end, and no other."""
    expected = Counter(dict.fromkeys(host.calls, 2))

    def found() -> Counter[str]:
        events = collector.get("/v1/events?limit=1000").json["items"]
        return Counter(e["thread_id"] for e in events if e["type"] in ("text:request:started", "text:request:completed"))

    try:
        eventually(lambda: found() == expected, limit_s=10)
    except AssertionError:
        return f"lost {dict(expected - found())}, too many {dict(found() - expected)}"
    return None


@contextmanager
def started(command: list[str], environment: Environment, folder: Path) -> Generator["subprocess.Popen[bytes]"]:
    """A server until SIGTERM; that it does not end then is told with what it said."""
    log = folder / "host.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, env=dict(environment), cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            server.kill()
            raise SystemExit(f"{command} did not stop:\n{log.read_text(errors='replace')[-3000:]}") from None


def web(*command: str, at_import: bool = False) -> Host:
    """A server of web pages that gets CALLS requests; PORT in the command is replaced."""

    def run(environment: Environment, folder: Path) -> None:
        port = str(free_port())
        more = {"HOST_CALLS_AT_IMPORT": "1"} if at_import else {}
        words = [sys.executable, "-m", *(word.replace("PORT", port) for word in command)]
        with started(words, {**environment, **more}, folder) as server:
            for number in range(CALLS):
                ask(f"http://127.0.0.1:{port}/call-{number}", server, folder)

    return Host(run=run, calls=(*(("at-import",) if at_import else ()), *(f"call-{number}" for number in range(CALLS))))


def ask(url: str, server: "subprocess.Popen[bytes]", folder: Path) -> None:
    """One request; until the server listens it is tried again (no call was made by then)."""
    ends_s = time.monotonic() + START_LIMIT_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                answer.read()
            return
        except urllib.error.HTTPError as exc:
            raise SystemExit(f"{url}: {exc}\n{(folder / 'host.log').read_text(errors='replace')[-3000:]}") from exc
        except OSError as exc:
            refused = isinstance(getattr(exc, "reason", None), ConnectionRefusedError)
            if not refused or server.poll() is not None or time.monotonic() > ends_s:
                raise SystemExit(f"{url}: {exc}\n{(folder / 'host.log').read_text(errors='replace')[-3000:]}") from exc
            time.sleep(0.1)


def celery(environment: Environment, folder: Path) -> None:
    """Tasks are queued first; the worker is stopped as soon as the last one has ended."""
    queue = folder / "queue"
    (queue / "control").mkdir(parents=True)
    put = f"from {APP} import ask_task\nfor number in range({CALLS}): ask_task.delay(f'call-{{number}}')"
    subprocess.run([sys.executable, "-c", put], env=dict(environment), cwd=ROOT, check=True, timeout=120)
    command = [sys.executable, "-m", "celery", "-A", f"{APP}:tasks", "worker", "--pool", "prefork", "--concurrency", "3"]
    with started([*command, "--without-gossip", "--without-mingle"], environment, folder):
        eventually(lambda: CALLS == len(list(queue.glob("*.done"))), limit_s=120)


POOL = f"""
import multiprocessing, sys
from {APP} import ask
if __name__ == "__main__":
    ask("before")
    for method in ("fork", "forkserver", "spawn"):
        with multiprocessing.get_context(method).Pool(3) as pool:
            pool.map(ask, [f"{{method}}-{{number}}" for number in range(6)])
            pool.close()
            pool.join()
    ask("after")
"""


def pool(environment: Environment, folder: Path) -> None:
    """Pools of every start method, closed and joined."""
    script = folder / "pool.py"
    script.write_text(POOL)
    subprocess.run([sys.executable, str(script)], env=dict(environment), cwd=ROOT, check=True, timeout=200)


CELLS = (
    f"from {APP} import *\nask('first')",
    "instrument()\nask('again')",
    "await ask_streaming('awaited')",
    "import threading\nt = threading.Thread(target=ask, args=('thread',)); t.start(); t.join()",
    "1 / 0",
    "ask('after-error')",
)
KERNEL = """
import sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
for cell in sys.argv[1:]:
    client.execute_interactive(cell, timeout=60, output_hook=lambda message: None)
client.stop_channels()
manager.shutdown_kernel()
"""


def kernel(environment: Environment, folder: Path) -> None:
    """Cells one after another, some with errors; then the kernel is shut down as by its menu."""
    home = {"HOME": str(folder), "JUPYTER_RUNTIME_DIR": str(folder), "IPYTHONDIR": str(folder)}
    subprocess.run([sys.executable, "-c", KERNEL, *CELLS], env={**environment, **home}, cwd=ROOT, check=True, timeout=200)


GUNICORN = ("gunicorn", "--bind", "127.0.0.1:PORT", "--workers", "3")
HOSTS: Mapping[str, Host] = {
    "gunicorn": web(*GUNICORN, f"{APP}:wsgi"),
    "gunicorn-preload": web(*GUNICORN, "--preload", f"{APP}:wsgi", at_import=True),
    "gunicorn-replaced": web(*GUNICORN, "--max-requests", "5", f"{APP}:wsgi"),
    "gunicorn-threads": web(*GUNICORN, "--threads", "4", "--preload", f"{APP}:wsgi"),
    "gunicorn-gevent": web(*GUNICORN, "-k", "gevent", f"{APP}:wsgi"),
    "gunicorn-uvicorn": web(*GUNICORN, "-k", "uvicorn_worker.UvicornWorker", f"{APP}:asgi"),
    "uvicorn": web("uvicorn", "--host", "127.0.0.1", "--port", "PORT", "--workers", "3", f"{APP}:asgi"),
    "celery": Host(run=celery, calls=tuple(f"call-{number}" for number in range(CALLS))),
    "multiprocessing": Host(
        run=pool,
        calls=("before", "after", *(f"{way}-{number}" for way in ("fork", "forkserver", "spawn") for number in range(6))),
    ),
    "kernel": Host(run=kernel, calls=("first", "again", "awaited", "thread", "after-error")),
}

if __name__ == "__main__":
    sys.exit(main())
