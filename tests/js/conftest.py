"""
The JavaScript package, and what its programs get.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.demo.provider import Provider, start_provider
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


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """
    One for all programs of JavaScript: they need none of their own.
    """
    with start_provider() as found:
        yield found
