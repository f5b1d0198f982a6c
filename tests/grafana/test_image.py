"""
The Dockerfile, as far as it can be tried without a container engine: its pins, and its health check against a collector.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tests.fakes.running import running_collector

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text()


def instructions() -> list[str]:
    """One line each, comments left out."""
    lines = [line for line in TEXT.splitlines() if not line.lstrip().startswith("#")]
    return [line for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


def test_base_is_pinned_and_built_in_two_stages() -> None:
    """
    Both stages are of one Python, with a version; what the lock lists is installed by hash; the build tool is the locked one.
    """
    bases = re.findall(r"^FROM (\S+)", TEXT, flags=re.MULTILINE)
    locked = re.search(r"^hatchling==(\S+)", (ROOT / "requirements-dev.lock").read_text(), flags=re.MULTILINE)

    assert 2 == len(bases)
    assert 1 == len(set(bases))
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", bases[0])
    assert "--require-hashes --requirement requirements.lock" in TEXT
    assert locked
    assert f"hatchling=={locked[1]}" in TEXT


def test_image_does_not_run_as_root_and_keeps_its_data() -> None:
    """
    The last user is not root, /data is a volume, and there is no key in the image: without one it refuses to start.
    """
    users = [line.split()[1] for line in instructions() if line.startswith("USER ")]

    assert users
    assert users[-1] not in {"root", "0"}
    assert "VOLUME /data" in instructions()
    assert "HOOKLINE_API_KEY=" not in "".join(instructions())


def test_context_holds_what_the_wheel_needs_and_no_more() -> None:
    """
    Everything is left out but what is named, and what is named exists.
    """
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    named = [line[1:] for line in lines if line.startswith("!")]

    assert "*" == lines[0]
    assert {"collector", "sdk_hooks", "migrations", "pyproject.toml", "requirements.lock"} <= set(named)
    assert [] == [name for name in named if not (ROOT / name).exists()]


def test_health_check_sees_a_collector(tmp_path: Path) -> None:
    """
    The health check's own command succeeds while a collector answers, and fails when it is gone.
    """
    (check,) = [line for line in instructions() if line.startswith("HEALTHCHECK")]
    command = json.loads(check[check.index("[") :])
    command[0] = sys.executable
    with running_collector(f"sqlite:///{tmp_path / 'h.db'}") as running:
        env = {"HOOKLINE_PORT": str(urlsplit(running.url).port)}
        assert 0 == subprocess.run(command, env=env, timeout=100, capture_output=True, check=False).returncode

    assert 0 != subprocess.run(command, env=env, timeout=100, capture_output=True, check=False).returncode
