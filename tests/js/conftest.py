"""
What programs of JavaScript get.
"""

from collections.abc import Iterator

import pytest

from collector.demo.provider import Provider, start_provider


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """
    One for all programs of JavaScript: they need none of their own.
    """
    with start_provider() as found:
        yield found
