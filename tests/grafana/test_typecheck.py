"""
The dashboards' JSON against Grafana's own schema: `tsc` over each file as an object of the schema's type.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest

from tests.fakes.required import missing
from tests.grafana.dashboards import ENGINES, FOLDER
from tests.grafana.tools import run, tool

PROJECT = Path(__file__).with_name("typecheck")


@contextmanager
def alone() -> Iterator[None]:
    """One test process installs, the others wait."""
    with (PROJECT / "package-lock.json").open() as lock:
        flock(lock, LOCK_EX)
        yield


@pytest.fixture(scope="module")
def compiler() -> Path:
    """
    The TypeScript compiler of the locked versions; installed here the first time.
    """
    npm = tool("npm", "Node 20 with npm")
    path = PROJECT / "node_modules/.bin/tsc"
    with alone():
        locked, installed = PROJECT / "package-lock.json", PROJECT / "node_modules/.package-lock.json"
        if not installed.exists() or installed.stat().st_mtime < locked.stat().st_mtime:
            code, said = run(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=PROJECT)
            if code:
                missing(f"npm ci failed: {said[-300:]}")
    return path


def typed(folder: Path, name: str, text: str) -> None:
    """Write a dashboard as an object of the schema's type."""
    (folder / f"{name}.ts").write_text(f"import type {{ Board }} from './board';\nexport const board: Board =\n{text};\n")


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """
    A folder like the project's, so that nothing is written into the checkout.
    """
    for name in ("board.ts", "tsconfig.json"):
        shutil.copy(PROJECT / name, tmp_path / name)
    (tmp_path / "node_modules").symlink_to(PROJECT / "node_modules")
    return tmp_path


@pytest.mark.long
def test_dashboards_are_of_grafanas_type(compiler: Path, workplace: Path) -> None:
    """
    Every member of every dashboard is one that the schema knows, the panels' own options included. A wrong one would show.
    """
    for engine in ENGINES:
        for path in (FOLDER / "dashboards" / engine).glob("*.json"):
            typed(workplace, f"{engine}-{path.stem}", path.read_text(encoding="utf-8"))
    good = (FOLDER / "dashboards/sqlite/errors.json").read_text(encoding="utf-8")
    typed(workplace, "wrong", good.replace('"cellHeight": "sm"', '"cellHeight": "tiny"', 1))

    code, said = run(compiler, "-p", ".", cwd=workplace)

    assert 0 != code
    assert [] == [line for line in said.splitlines() if "error" in line and not line.startswith("wrong.ts")]
    assert "tiny" in said


def test_lock_names_no_host() -> None:
    """
    Whoever installs decides where from.
    """
    assert "://" not in (PROJECT / "package-lock.json").read_text()
    assert "omit-lockfile-registry-resolved=true" in (PROJECT / ".npmrc").read_text()
