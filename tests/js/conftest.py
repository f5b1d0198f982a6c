"""
The JavaScript package, and what its programs get.
"""

from pathlib import Path

import pytest

from tests.fakes.js_package import built
from tests.fakes.npm import NpmMissing
from tests.fakes.required import missing


@pytest.fixture(scope="session")
def package() -> Path:
    """
    The package's folder, with its dependencies, and built.
    """
    try:
        return built()
    except NpmMissing as exc:
        missing(str(exc))
