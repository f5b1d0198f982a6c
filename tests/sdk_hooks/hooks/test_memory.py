"""
Memory stays flat: what twenty thousand calls of each SDK leave behind in a process of its own.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sdk_hooks.registry import HOOKS
from tests.fakes.environment import clean_environment
from tests.sdk_hooks.hooks.test_contract import is_installed

ROOT = Path(__file__).parents[3]
pytestmark = [pytest.mark.long, pytest.mark.timeout(640)]


def told_by_host(*arguments: str) -> Any:
    clean = clean_environment("PYTEST_")
    command = [sys.executable, "-W", "ignore", "-m", "tests.sdk_hooks.hooks.memory_host", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=600, check=False)
    assert 0 == done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("sdk", [sdk for sdk in HOOKS if is_installed(sdk)])
def test_nothing_is_kept_of_a_call(sdk: str) -> None:
    """
    From the 5,000th call to the 20,000th, whole answers and streams, all delivered: no block for every tenth call.
    """
    told = told_by_host(sdk)
    assert (20_000, 0) == (told["ended"], told["losses"])
    assert told["blocks_a_call"] < 0.1


def test_a_leak_would_be_seen() -> None:
    """
    A host that keeps each record is told from one that does not.
    """
    assert told_by_host("openai", "keep")["blocks_a_call"] > 2
