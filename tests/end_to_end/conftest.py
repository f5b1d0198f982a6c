"""
What tests of whole processes share.
"""

from collections.abc import Iterator

import pytest

from tests.end_to_end.kills.nursery import Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """
    A process that forks collectors and hosts: they are there in half a second instead of three.
    """
    with Nursery() as warm:
        yield warm
