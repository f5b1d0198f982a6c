"""
Waits after failures.
"""

import pytest

from collector.pipeline.backoff import Backoff


@pytest.mark.parametrize(("failures", "wait_ms"), [(0, 100), (1, 100), (2, 200), (5, 1600), (10, 5000), (10**6, 5000)])
def test_doubles_up_to_the_cap(failures: int, wait_ms: int) -> None:
    """
    Also after very many failures.
    """
    assert wait_ms == Backoff(first_ms=100, most_ms=5000, roll=lambda: 1.0).wait_ms(failures)


def test_chance_takes_at_most_half() -> None:
    """
    Between half and all of the wait.
    """
    assert 50 == Backoff(first_ms=100, most_ms=5000, roll=lambda: 0.0).wait_ms(1)
