"""
Wrong keys at the login: some a minute from each address, and no more.
"""

import pytest

from collector.api.sessions import FAILURES_A_MINUTE, Patience
from collector.errors import RateLimited
from tests.fakes.clock import FakeClock


def test_wrong_keys_make_their_address_wait_and_no_other() -> None:
    """
    As long as told is enough; and a thousand addresses fill no memory.
    """
    clock = FakeClock()
    patience = Patience(clock.monotonic_s)
    for _ in range(FAILURES_A_MINUTE):
        patience.require("one")
        patience.note_failure("one")
        clock.advance(1_000)
    with pytest.raises(RateLimited) as refused:
        patience.require("one")
    patience.require("two")
    clock.advance(int(refused.value.after_s * 1000) + 1)
    patience.require("one")

    for n in range(5_000):
        patience.note_failure(f"address-{n}")
    assert len(patience._failures_s) <= 1000
