"""
Rates of keys: held over time, and nobody is kept out for good.
"""

import pytest

from collector.api.allowances import BURST_S, Allowance, Rates
from collector.errors import RateLimited
from tests.fakes.clock import FakeClock


def test_rate_holds_over_time_whatever_the_batches_are():
    """
    An hour of asking as often as one may, in batches from 1 to 1,000 events: the rate and one burst, and the last batch at most.
    """
    clock, sent = FakeClock(), 0
    allowance = Allowance(Rates(events=10), clock.monotonic_s)
    for n in range(36_000):
        try:
            allowance.require()
        except RateLimited:
            pass
        else:
            size = (1, 30, 1000)[n % 3]
            allowance.spend(events=size, size_bytes=0)
            sent += size
        clock.advance(100)
    assert 36_000 <= sent <= 36_000 + 10 * BURST_S + 1000


def test_waiting_as_long_as_told_is_enough():
    """
    Also after a batch far over the rate; before that it is refused.
    """
    clock = FakeClock()
    allowance = Allowance(Rates(events=5, bytes=1000), clock.monotonic_s)
    for size_bytes in (100, 500_000):
        allowance.require()
        allowance.spend(events=200, size_bytes=size_bytes)
        with pytest.raises(RateLimited) as refused:
            allowance.require()
        clock.advance(int(refused.value.after_s * 900))
        with pytest.raises(RateLimited):
            allowance.require()
        clock.advance(int(refused.value.after_s * 100) + 2)
    allowance.require()


def test_a_request_without_events_costs_one():
    """
    Else bodies that hold nothing could be sent without end.
    """
    allowance = Allowance(Rates(events=1), FakeClock().monotonic_s)
    for _ in range(int(BURST_S)):
        allowance.require()
        allowance.spend(events=0, size_bytes=0)
    with pytest.raises(RateLimited):
        allowance.require()


def test_own_rate_goes_before_the_general_one():
    """
    Each of the two for itself.
    """
    assert Rates(events=1, bytes=9) == Rates(events=1).over(Rates(events=5, bytes=9))
    assert not Rates().over(Rates()).is_limited
