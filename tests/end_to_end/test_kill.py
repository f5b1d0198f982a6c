"""
kill -9 in the middle of a load: what was acknowledged is there once, and every call has one span.

The short version; `make kill ROUNDS=200` is the long one.
"""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.end_to_end.kills.nursery import Nursery
from tests.end_to_end.kills.rounds import Plan, play
from tests.end_to_end.kills.verdict import Copy, Found, Kill, StoredCall, faults, sent_again

ROUNDS = 3
LONGEST_DELAY_S = 0.4


@pytest.mark.timeout(400)
def test_nothing_acknowledged_is_lost_or_doubled_by_kill_9(store_url: str, tmp_path: Path, nursery: Nursery) -> None:
    """
    The collector, a host and both at once die at random moments while events come in. Then every acknowledged event is one row,
    every call that ended is assembled, and only a kill before the commit of a delivery made the backend see a span again.
    """
    plan = Plan(store_url=store_url, folder=tmp_path, rounds=ROUNDS, seed=_seed(), longest_delay_s=LONGEST_DELAY_S)
    report = play(plan, nursery)

    assert () == report.faults, report
    assert ROUNDS == sum(report.kills.values())
    assert report.acknowledged > 50


@pytest.mark.timeout(400)
def test_a_collector_that_acknowledges_before_the_commit_is_caught(tmp_path: Path, nursery: Nursery) -> None:
    """
    A writer that answers from memory loses acknowledged events to a kill, and the harness says so.
    """
    plan = Plan(
        store_url=f"sqlite:///{tmp_path / 'hookline.db'}",
        folder=tmp_path,
        rounds=2,
        seed=_seed(),
        longest_delay_s=LONGEST_DELAY_S,
        startup_share=0,
        collector="serve_hastily",
        has_host=False,
    )
    report = play(plan, nursery)

    assert any("acknowledged events are lost" in fault for fault in report.faults), report


def _seed() -> int:
    """Told in the report where a test fails."""
    return random.SystemRandom().randrange(1_000_000)


FINE = Found(
    acknowledged={"e1", "e2"},
    stored_event_ids=["e1", "e2", "e3"],
    ended_calls={"r1"},
    calls=[StoredCall(request_id="r1", status="ok", span_id="s1"), StoredCall(request_id="r2", status="running", span_id=None)],
    copies={"s1": [Copy(1.0, b"span"), Copy(3.0, b"span")]},
    kills=[Kill(at_s=2.0, done=set())],
    sequences={"p": [1, 2, 3]},
)


def test_verdict_on_what_is_fine() -> None:
    """
    A span that came again after a kill, its export not committed, is counted and is no fault.
    """
    assert [] == faults(FINE)
    assert 1 == sent_again(FINE)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        (replace(FINE, acknowledged={"e1", "e9"}), "are lost"),
        (replace(FINE, stored_event_ids=["e1", "e2", "e2"]), "twice"),
        (replace(FINE, calls=[]), "no row"),
        (replace(FINE, calls=[*FINE.calls, FINE.calls[0]]), "several rows"),
        (replace(FINE, calls=[StoredCall(request_id="r1", status="running", span_id="s1")]), "not assembled"),
        (replace(FINE, copies={}), "never came"),
        (replace(FINE, copies={"s1": [Copy(1.0, b"span")], "s9": [Copy(1.0, b"span")]}), "no call's"),
        (replace(FINE, copies={"s1": [Copy(1.0, b"span"), Copy(3.0, b"other")]}), "other bytes"),
        (replace(FINE, kills=[]), "without a kill"),
        (replace(FINE, kills=[Kill(at_s=2.0, done={"s1"})]), "was committed"),
        (replace(FINE, copies={"s1": [Copy(1.0, b"span")] * 2 + [Copy(3.0, b"span")]}), "without a kill"),
        (replace(FINE, sequences={"p": [1, 3]}), "missing"),
    ],
)
def test_verdict_on_what_is_not(changed: Found, word: str) -> None:
    """
    Each kind of loss and doubling is told.
    """
    assert any(word in fault for fault in faults(changed))
