"""
Tools that are not Python's: skip with a notice where one is missing, fail where everything is required.
"""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.fakes.required import missing


def tool(name: str, package: str) -> str:
    """The path of a program; `package` is where it is from."""
    path = shutil.which(name)
    if path is None:
        missing(f"no {name}: install {package}")
    return path


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None, timeout_s: float = 100.0) -> tuple[int, str]:
    """Exit code and everything that was said."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=dict(env) if env is not None else None,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
