"""The two processes that the benchmark compares: one of them is hooked, the other is not, and neither is left behind."""

import json
import sys
from urllib.request import urlopen

import pytest

from benchmarks.client_overhead import started
from benchmarks.client_rounds import alone, in_both_orders, twins

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system has no fork")
CALLS = 3


@pytest.mark.parametrize("over_http", [False, True], ids=["transport", "http"])
@pytest.mark.parametrize("sdk", ["openai", "openai-agents"])
def test_only_one_of_two_twins_is_recorded(sdk: str, over_http: bool) -> None:
    """Each makes its own client, of whatever kind: two processes can't share a connection, nor an event loop."""
    with started("benchmarks.client_receiver") as url, started("benchmarks.client_provider") as provider:
        with twins(sdk, "hookline", url, sys.executable, provider if over_http else "") as (bare, hooked):
            for twin in (bare, hooked):
                for act in twin.acts:
                    took = twin.ask("time", act, CALLS)
                    assert {"wall", "caller", "all"} == took.keys()
        with urlopen(url) as answer:
            found = json.load(answer)
    assert found["started"] == found["whole"] == hooked.calls == CALLS * len(hooked.acts)
    assert bare.calls == hooked.calls


def test_twins_that_cannot_be_made_are_told_of() -> None:
    """And not waited for."""
    with pytest.raises(SystemExit, match="no such sdk"), twins("no such sdk", "hookline", "", sys.executable, ""):
        pass


def test_a_worker_that_ends_in_the_middle_is_told_of() -> None:
    """It was asked for something that it does not know."""
    with alone("stub", "openai", "bare", "") as worker, pytest.raises(SystemExit, match="stub openai bare"):
        worker.ask("time", "no such act", 1)


def test_a_turn_behind_itself_and_one_behind_the_other_are_one() -> None:
    """Each of the two with its own."""
    pairs = [({"wall": 1.0}, {"wall": 10.0}), ({"wall": 3.0}, {"wall": 20.0}), ({"wall": 5.0}, {"wall": 30.0})]
    assert [({"wall": 2.0}, {"wall": 15.0})] == in_both_orders(pairs[:2])
    with pytest.raises(ValueError, match="shorter"):
        in_both_orders(pairs)
