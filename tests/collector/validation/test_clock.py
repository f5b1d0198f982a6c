"""
What time an event has, whatever unit it came in.
"""

import pytest

from tests.fakes.posts import NOW_MS, code_of, row_of

S = NOW_MS // 1000


def times(timestamp, **fields):
    row = row_of({"type": "t", "eventId": "a", "timestamp": timestamp, **fields})
    return row.timestamp, row.fraction, row.clock


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (NOW_MS, (NOW_MS, None, "sender")),
        (NOW_MS + 0.25, (NOW_MS, 0.25, "sender")),
        (float(NOW_MS), (NOW_MS, None, "sender")),
        (S, (NOW_MS, None, "unit_fixed")),
        (S + 0.5, (NOW_MS + 500, None, "unit_fixed")),
        (S + 0.0005, (NOW_MS, 0.5, "unit_fixed")),
        (NOW_MS * 1000, (NOW_MS, None, "unit_fixed")),
        (NOW_MS * 1000 + 250, (NOW_MS, 0.25, "unit_fixed")),
        (NOW_MS * 1_000_000, (NOW_MS, None, "unit_fixed")),
        (NOW_MS * 1_000_000 + 500_000, (NOW_MS, 0.5, "unit_fixed")),
        ("2025-11-24T16:00:00.123Z", (NOW_MS + 123, None, "unit_fixed")),
        ("2025-11-24T18:00:00.123+02:00", (NOW_MS + 123, None, "unit_fixed")),
        ("2025-11-24T16:00:00", (NOW_MS, None, "unit_fixed")),
        ("2025-11-24T16:00:00.000500Z", (NOW_MS, 0.5, "unit_fixed")),
        (str(NOW_MS), (NOW_MS, None, "unit_fixed")),
        (f"{S}.5", (NOW_MS + 500, None, "unit_fixed")),
        ({"__type": "bigint", "value": str(NOW_MS)}, (NOW_MS, None, "unit_fixed")),
    ],
)
def test_unit_is_recognised(sent, expected):
    """
    Milliseconds are the sender's own; seconds, micro- and nanoseconds and ISO 8601 are told as `unit_fixed`.
    """
    ms, fraction, clock = times(sent)
    assert expected == (ms, None if fraction is None else round(fraction, 3), clock)


def test_fraction_is_part_of_the_row_and_the_column_is_the_floor():
    """
    Between nothing and one, never one.
    """
    ms, fraction, _ = times(NOW_MS + 0.9995)
    assert NOW_MS == ms
    assert fraction is not None
    assert 0.99 < fraction < 1


@pytest.mark.parametrize("missing", [{}, {"timestamp": None}])
def test_event_without_a_time_takes_its_contexts(missing):
    """
    Then it is the sender's still.
    """
    row = row_of({"type": "t", "eventId": "a", "context": {"timestamp": NOW_MS - 5}, **missing})
    assert (NOW_MS - 5, "sender") == (row.timestamp, row.clock)


def test_event_without_any_time_takes_the_receipts():
    """
    And says so.
    """
    row = row_of({"type": "t", "eventId": "a"})
    assert (NOW_MS, None, "receiver") == (row.timestamp, row.fraction, row.clock)


@pytest.mark.parametrize(("days", "clock"), [(-6.9, "sender"), (6.9, "sender"), (-7.1, "suspect"), (7.1, "suspect")])
def test_time_far_from_receipt_is_kept_and_suspect(days, clock):
    """
    More than seven days either way.
    """
    sent = NOW_MS + int(days * 86_400_000)
    assert (sent, None, clock) == times(sent)


@pytest.mark.parametrize("sent", [0, 1.5, "1970-01-01T00:00:00Z", S - 8 * 86_400, "12"])
def test_suspect_beats_a_fixed_unit(sent):
    """
    A counter since the page was opened reads like 1970: kept, not believed.
    """
    assert "suspect" == times(sent)[2]


@pytest.mark.parametrize(
    "sent",
    ["", "yesterday", "12:30", True, False, [], {}, [NOW_MS], -1, -NOW_MS, 1e21, 10**30, "nan", "inf", "-5",
     "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", {"__type": "bigint", "value": "x"}, {"__type": "bigint"}, "１２３"],
)  # fmt: skip
def test_time_that_cannot_be_read_is_rejected(sent):
    """
    Of another type, no time at all, negative, or beyond what a database holds.
    """
    assert "bad_timestamp" == code_of({"type": "t", "eventId": "a", "timestamp": sent})


def test_payload_keeps_the_time_as_sent():
    """
    Only the column is mended.
    """
    assert (
        '"timestamp": "2025-11-24T16:00:00Z"'
        in row_of({"type": "t", "eventId": "a", "timestamp": "2025-11-24T16:00:00Z"}).payload
    )
