"""
Packages of npm for tests, installed once a machine by the npm that is there, each set into a folder of its own.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

TANSTACK_BUS = ("@tanstack/devtools-event-bus@0.4.3", "@tanstack/devtools-event-client@0.4.4", "esbuild@0.25.12")
INSTALL_LIMIT_S = 250
OLDEST_NODE = 20


class NpmMissing(Exception):
    """No Node here, or what it should install can't be had."""


def program() -> str:
    """The npm to use. Raises NpmMissing, which says what to do."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise NpmMissing(f"no Node with npm: install Node {OLDEST_NODE} or newer (packages nodejs and npm)")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout.strip()
    if int(said.removeprefix("v").partition(".")[0] or 0) < OLDEST_NODE:
        raise NpmMissing(f"{node} is {said}: install Node {OLDEST_NODE} or newer, and let it come first in PATH")
    return npm


def installed(packages: tuple[str, ...]) -> Path:
    """The folder with their `node_modules`. Raises NpmMissing."""
    npm = program()
    name = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hookline-tests"
    folder = cache / f"npm-{name}"
    cache.mkdir(parents=True, exist_ok=True)
    # Several workers of pytest want the same at once.
    with (cache / f"npm-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _install(npm, packages, folder)
    return folder


def _install(npm: str, packages: tuple[str, ...], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "package.json").write_text('{"private": true}')
    try:
        done = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--save-exact", *packages],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=INSTALL_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NpmMissing(f"npm did not install {', '.join(packages)} in {INSTALL_LIMIT_S} s") from None
    if done.returncode:
        raise NpmMissing(f"npm can't install {', '.join(packages)}: {done.stderr.strip()[-300:]}")
    (folder / "complete").touch()
