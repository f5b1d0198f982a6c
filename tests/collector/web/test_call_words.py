"""
What a record lacks in words, and how a stream's pace is told.
"""

from collector.assembly.health import Health
from collector.web.call_words import BINS, explain_health, measure_pace


def test_every_flag_of_health_has_its_words():
    """
    Each finding is told; a good record has none.
    """
    flags = [name for name in Health.__dataclass_fields__ if name != "skew_ms"] + ["orphan_parent"]

    titles = [explain_health([{flag: True}])[0].title for flag in flags]

    assert len(flags) == len(set(titles))
    assert [] == explain_health([dict.fromkeys(flags, False) | {"skew_ms": None}])
    assert [] == explain_health([])
    assert "80 ms" in explain_health([{"skew_ms": 80.0}])[0].title


def test_pace_names_the_longest_waits():
    """
    The wait before piece 4 is the longest; the usual gap is 10 ms.
    """
    pace = measure_pace([110.0, 120.0, 130.0, 530.0, 540.0], 100.0, 600.0)

    assert pace is not None
    assert (5, 10.0, 440.0, 10.0) == (pace.count, pace.first_ms, pace.last_ms, pace.median_gap_ms)
    assert (4, 400.0, 30.0) == (pace.stalls[0].n, pace.stalls[0].gap_ms, pace.stalls[0].at_ms)
    assert pace.bins[0][0] == int(10 / 500 * BINS)


def test_pace_of_odd_streams():
    """
    None, one piece, pieces before the start and all in one moment.
    """
    assert measure_pace([], 0.0, 1.0) is None
    alone = measure_pace([5.0], None, None)
    assert alone is not None
    assert (1, None, ()) == (alone.count, alone.median_gap_ms, alone.stalls)
    early = measure_pace([1.0, 1.0], 50.0, 60.0)
    assert early is not None
    assert all(0 <= place < BINS and 0 < height <= 1 for place, height in early.bins)
