"""
The wheel as a user gets it: with migrations, without tests and JavaScript, and a client that needs nothing else.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.long


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command away from the checkout, without its paths and settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HOOKLINE_", "OTEL_"))}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=kept, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout with what is installed (no network)."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        folder,
        ROOT,
        cwd=folder,
    )
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("hookline-*.whl")
    return path


@pytest.fixture(scope="module")
def bare_install(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment in which `pip install hookline`, without extras, was all; with no index, a dependency would fail it."""
    folder = tmp_path_factory.mktemp("bare")
    made = run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    assert made.returncode == 0, made.stderr
    installed = run(
        sys.executable, "-m", "pip", "--python", folder / "venv/bin/python", "install", "--quiet", "--no-index", wheel, cwd=folder
    )
    assert installed.returncode == 0, installed.stderr
    return folder / "venv"


def test_wheel_holds_what_runs_and_nothing_else(wheel: Path) -> None:
    """
    Both packages, the migrations and the page's files are inside; tests, benchmarks, docs and the JavaScript companion are not.
    """
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}

    assert {"collector", "sdk_hooks"} == tops
    assert "collector/migrations/env.py" in names
    assert any(name.startswith("collector/migrations/versions/") and name.endswith(".py") for name in names)
    assert [name for name in names if name.startswith("sdk_hooks/js/") or "/tests/" in name or name.endswith(".pyc")] == []
    for folder in ("templates", "static"):
        there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "collector/web" / folder).rglob("*") if path.is_file()}
        assert there
        assert there <= set(names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_client_works_without_dependencies(bare_install: Path, tmp_path: Path) -> None:
    """
    `pip install hookline` alone gives a client that imports.
    """
    done = run(bare_install / "bin/python", "-c", "import sdk_hooks; print(callable(sdk_hooks.instrument))", cwd=tmp_path)

    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)


def test_command_says_how_to_get_the_server(bare_install: Path, tmp_path: Path) -> None:
    """
    Without the extra, `hookline` names the install command instead of failing with an import error.
    """
    done = run(bare_install / "bin/hookline", "serve", cwd=tmp_path)

    assert 'pip install "hookline[server]"' in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert done.returncode != 0
