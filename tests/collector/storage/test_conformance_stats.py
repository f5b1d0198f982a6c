"""
What every engine keeps of `Reader.stats`: counts and sums, and percentiles equal to those computed by hand.
"""

import random
from statistics import quantiles
from typing import Any

import pytest

from collector.errors import BadRequest
from collector.spans import Usage
from collector.storage.protocols import Store
from tests.fakes.stored import NOW_MS, append, claim, event, settlement


def settle_many(store: Store, durations_ms: list[float], *, prefix: str = "r", **changes: Any) -> None:
    """One settled call a duration."""
    names = [f"{prefix}{n}" for n in range(len(durations_ms))]
    append(store, *(event(f"e-{name}", request_id=name) for name in names), start=True, terminal=True)
    durations = dict(zip(names, durations_ms, strict=True))
    outcomes = [settlement(one, duration_ms=durations[one.request_id], **changes) for one in claim(store)]
    store.settle_calls(outcomes, now_ms=NOW_MS)


@pytest.mark.parametrize("size", [2, 3, 57])
def test_percentiles_are_those_of_the_textbook(store: Store, size: int):
    """
    Linear interpolation between the two neighbours, as the standard library computes it.
    """
    chance = random.Random(size)
    durations = [chance.uniform(1, 10_000) for _ in range(size)]
    settle_many(store, durations)

    (row,) = store.stats("p", since_ms=None, until_ms=None, by=None)

    cuts = quantiles(durations, n=100, method="inclusive")
    found = [row[f"duration_{name}_ms"] for name in ("p50", "p95", "p99")]
    assert [cuts[49], cuts[94], cuts[98]] == pytest.approx(found)
    assert row["time_to_first_chunk_p50_ms"] is None


def test_groups_have_their_own_figures(store: Store):
    """
    Counts, sums and percentiles a model; polls for a video's state count, but not in the percentiles.
    """
    settle_many(store, [100.0, 300.0], prefix="a", model="gpt-4o", time_to_first_chunk_ms=5.0)
    settle_many(store, [7.0], prefix="b", model="sora", operation="video_generation", status="error", usage=Usage())
    settle_many(store, [1.0], prefix="c", model="sora", operation="video_poll", usage=Usage())

    rows = {row["model"]: row for row in store.stats("p", since_ms=None, until_ms=None, by="model")}

    assert (2, 0, 20, 10, 0.5, 200.0, 5.0) == tuple(
        rows["gpt-4o"][name]
        for name in (
            "calls",
            "errors",
            "input_tokens",
            "output_tokens",
            "cost_usd",
            "duration_p50_ms",
            "time_to_first_chunk_p99_ms",
        )
    )
    assert (2, 1, None, 7.0) == tuple(rows["sora"][name] for name in ("calls", "errors", "input_tokens", "duration_p99_ms"))


def test_times_bound_what_is_counted(store: Store):
    """
    Only calls that started in the window.
    """
    settle_many(store, [1.0], prefix="a", start_ms=float(NOW_MS))
    settle_many(store, [2.0], prefix="b", start_ms=NOW_MS + 10.0)

    (row,) = store.stats("p", since_ms=NOW_MS + 1, until_ms=NOW_MS + 11, by=None)

    assert (1, 2.0) == (row["calls"], row["duration_p50_ms"])


def test_unknown_group_is_the_senders_fault(store: Store):
    """
    Only known columns can be grouped by.
    """
    with pytest.raises(BadRequest):
        store.stats("p", since_ms=None, until_ms=None, by="payload")
