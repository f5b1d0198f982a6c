"""
The hook suite for an SDK that can't be installed beside the others, in an environment of its own.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import missing

ROOT = Path(__file__).parents[3]
LITELLM = ROOT / ".venv-litellm"
SUITES = ("test_contract", "test_contract_around", "test_many_streams", "test_memory", "litellm_special")


@pytest.mark.long
@pytest.mark.timeout(1240)
def test_litellm() -> None:
    """
    Every pattern of litellm, and what is special to its hook.
    """
    if not (LITELLM / ".ready").exists():
        missing("no .venv-litellm: make setup-litellm")
    done = subprocess.run(
        [
            str(LITELLM / "bin" / "python"),
            *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "--show-capture=no", "-k", "litellm"),
            # Above it are fixtures of the collector, which is not installed there.
            *("--confcutdir", "tests/sdk_hooks/hooks"),
            *(f"tests/sdk_hooks/hooks/{name}.py" for name in SUITES),
        ],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert 0 == done.returncode, done.stdout[-6000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    # A suite that was not found would pass as well.
    assert passed is not None
    assert int(passed[1]) > 60
