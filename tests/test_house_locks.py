"""
The locks are what `make setup` installs: complete, by hash, and without a word about where from.
"""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = sorted(ROOT.glob("*.lock"))
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)")


def pins(lock: Path) -> dict[str, str]:
    """Name -> version of everything that the lock pins."""
    found = (PIN.match(line) for line in lock.read_text().splitlines())
    return {canonicalize_name(match["name"]): match["version"] for match in found if match}


def direct_requirements(*, groups: tuple[str, ...], extras: tuple[str, ...]) -> list[Requirement]:
    """What pyproject.toml asks for, hookline's own extras left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = [line for extra in extras for line in project["project"]["optional-dependencies"][extra]]
    lines += [line for group in groups for line in project["dependency-groups"][group]]
    return [need for need in map(Requirement, lines) if need.name != "hookline"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_lock_names_no_host(lock: Path) -> None:
    """
    A lock holds no address: whoever installs decides where from.
    """
    text = lock.read_text()

    assert "://" not in text
    assert "index-url" not in text
    assert "find-links" not in text


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_pin_has_a_hash(lock: Path) -> None:
    """
    pip takes nothing but what was locked: each pinned version is followed by its hashes.
    """
    blocks = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text().strip())

    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert len(blocks) == len(pins(lock)) > 20


@pytest.mark.parametrize(
    ("lock", "extras", "groups"),
    [
        ("requirements.lock", ("server",), ()),
        ("requirements-dev.lock", ("server", "demo"), ("dev",)),
        ("requirements-litellm.lock", (), ("litellm",)),
    ],
)
def test_lock_is_up_to_date(lock: str, extras: tuple[str, ...], groups: tuple[str, ...]) -> None:
    """
    Everything that pyproject.toml asks for is locked in a version that it allows (else: `make lock`).
    """
    pinned = pins(ROOT / lock)
    stale = [
        str(need)
        for need in direct_requirements(groups=groups, extras=extras)
        if not need.specifier.contains(pinned.get(canonicalize_name(need.name), "0.0.0a0"), prereleases=None)
        or canonicalize_name(need.name) not in pinned
    ]

    assert stale == []


def test_locks_agree() -> None:
    """
    What is tested is what a server is installed from: both locks pin the same versions.
    """
    server, dev = pins(ROOT / "requirements.lock"), pins(ROOT / "requirements-dev.lock")

    assert {name: (version, dev.get(name)) for name, version in server.items() if dev.get(name) != version} == {}


def test_client_has_no_dependencies() -> None:
    """
    A host application that installs hookline for its client gets nothing else.
    """
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"] == []
