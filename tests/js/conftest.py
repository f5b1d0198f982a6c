"""
The JavaScript package as its tests need it: dependencies from the lock, and built.
"""

import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.fakes.npm import NpmMissing, program
from tests.fakes.required import missing

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "sdk_hooks/js"


@pytest.fixture(scope="session")
def package() -> Path:
    """
    The package's folder. Dependencies are installed again only when the lock has changed.

    All tests that use it are in one file, so that one worker of pytest-xdist does it.
    """
    try:
        program()
    except NpmMissing as exc:
        missing(str(exc))
    stamp = PACKAGE / "node_modules/.hookline-lock"
    wanted = hashlib.sha256((PACKAGE / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        npm("ci")
        stamp.write_text(wanted)
    npm("run", "build")
    return PACKAGE


def npm(*arguments: str) -> None:
    """One command in the package's folder; what it says is shown when it fails."""
    done = subprocess.run(["npm", *arguments], cwd=PACKAGE, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
