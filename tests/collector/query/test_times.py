"""
Times in queries: read without guessing, or refused with what to do.
"""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import BadRequest
from collector.query.times import parse_time


@pytest.mark.parametrize(
    ("text", "unix_ms"),
    [
        ("0", 0),
        ("1764000000123", 1_764_000_000_123),
        ("2025-11-24T16:00:00Z", 1_764_000_000_000),
        ("2025-11-24T17:00:00+01:00", 1_764_000_000_000),
        ("2025-11-24T17:00:00.5 01:00", 1_764_000_000_500),
        ("2025-11-24t16:00:00z", 1_764_000_000_000),
    ],
)
def test_milliseconds_and_rfc_3339_are_read(text: str, unix_ms: int) -> None:
    """
    Unix milliseconds, RFC 3339 with an offset, also where a `+` arrived as a space.
    """
    assert unix_ms == parse_time("since", text)


@pytest.mark.parametrize("text", ["2025-11-24T16:00:00", "2025-11-24", "2025-11-24 16:00"])
def test_time_without_offset_is_refused_with_advice(text: str) -> None:
    """
    A naive time could mean any of 24 hours; the message names the parameter and what to add.
    """
    with pytest.raises(BadRequest, match=r"since: .*offset"):
        parse_time("since", text)


@pytest.mark.parametrize(
    "text", ["yesterday", "-1", "9" * 19, "9" * 40, "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", "T", "²"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """
    No guesses, and no numbers that a database would choke on.
    """
    with pytest.raises(BadRequest):
        parse_time("until", text)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_a_bad_request(text: str) -> None:
    """
    Nothing else is ever raised, and what is read fits a BIGINT.
    """
    with contextlib.suppress(BadRequest):
        assert 0 <= parse_time("since", text) < 2**63
