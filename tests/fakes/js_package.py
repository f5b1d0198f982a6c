"""
The JavaScript package as its tests need it: dependencies from the lock, and built. One folder for all workers of pytest.
"""

import fcntl
import hashlib
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.environment import clean_environment
from tests.fakes.npm import program

PACKAGE = Path(__file__).parents[2] / "sdk_hooks/js"
BUILD = PACKAGE / "build"
"""What tests put beside the package, where its own name and its dependencies are known."""

BUILT_BY = ("build.mjs", "tsconfig.json", "package.json")
NPM_LIMIT_S = 170
NODE_LIMIT_S = 100


def built() -> Path:
    """The package's folder; installed and built again only where the lock or a source has changed. Raises NpmMissing."""
    program()
    modules = PACKAGE / "node_modules"
    BUILD.mkdir(exist_ok=True)
    # Several workers want it at once, and none may build what another one runs.
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _unless(modules / ".hookline-lock", [PACKAGE / "package-lock.json"], "ci")
        sources = [*sorted((PACKAGE / "src").rglob("*.ts")), *(PACKAGE / name for name in BUILT_BY)]
        built_by = modules / ".hookline-built"
        if not (PACKAGE / "dist").exists():
            built_by.unlink(missing_ok=True)
        _unless(built_by, sources, "run", "build")
    return PACKAGE


def _unless(stamp: Path, inputs: Iterable[Path], *command: str) -> None:
    digest = hashlib.sha256()
    for path in inputs:
        digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes())
    wanted = digest.hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    done = subprocess.run(["npm", *command], cwd=PACKAGE, capture_output=True, text=True, timeout=NPM_LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    stamp.write_text(wanted)


def environment(**more: str) -> dict[str, str]:
    """What a process gets: ours, without what the shell around the tests has set."""
    kept = clean_environment("NODE_", "OPENAI_")
    return {**kept, **more}


def node(package: Path, *arguments: str, **more: str) -> str:
    """What a program of Node prints. It must end well, and say nothing on stderr."""
    done = subprocess.run(
        ["node", *arguments],
        cwd=package,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=NODE_LIMIT_S,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr), done.stdout + done.stderr
    return done.stdout


@contextmanager
def node_server(package: Path, *arguments: str, **more: str) -> Iterator[str]:
    """A program that prints its address and serves until it is told to stop."""
    process = subprocess.Popen(["node", *arguments], cwd=package, env=environment(**more), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=60)
