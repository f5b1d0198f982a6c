"""
Values that no encoder may stumble over.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.exporters.cleaning import MAX_SPAN_CHARS, clean_attributes, clean_text, clean_times
from collector.exporters.otlp_encoding import Envelope, encode_span
from tests.fakes.otlp_decoding import decode_request
from tests.fakes.spans import a_span

_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary() | st.builds(object),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()) | st.integers(), inner) | st.sets(st.integers()),
    max_leaves=12,
)


@given(attributes=st.dictionaries(st.text(st.characters()), _ANYTHING, max_size=6), name=st.text(st.characters()))
def test_any_value_can_be_encoded(attributes: dict[str, object], name: str) -> None:
    """
    Whatever a span's name and attributes hold: it encodes, decodes, and no attribute but None and nameless ones is missing.
    """
    (span,) = decode_request(Envelope({}).join_request([encode_span(a_span(attributes=attributes, name=name))]))

    assert clean_text(name, 1024) == span.name
    assert len(span.attributes) == len(clean_attributes(attributes))


@given(start=st.integers(), end=st.integers())
def test_times_fit(start: int, end: int) -> None:
    """
    Unsigned 64 bits, the end not before the start.
    """
    start_ns, end_ns = clean_times(start, end)

    assert 0 <= start_ns <= end_ns < 2**64


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("plain ✓ 😀", "plain ✓ 😀"),
        ("\ud83d\ude00", "😀"),
        ("\ud83d", "�"),
        (True, True),
        (2**63 - 1, 2**63 - 1),
        (2**63, "9.223372036854776e+18"),
        (10**400, "out of range"),
        (float("inf"), "inf"),
        ([1, 2.5], [1.0, 2.5]),
        ([True, 1], ["True", "1"]),
        (("a", None, "b"), ["a", "b"]),
        ({3, 1, 2}, [1, 2, 3]),
    ],
)
def test_single_values(value: object, cleaned: object) -> None:
    """
    Good values stay; the others become what can be sent.
    """
    assert {"v": cleaned} == clean_attributes({"v": value})


def test_largest_attributes_shrink_first() -> None:
    """
    Small attributes survive beside huge ones.
    """
    cleaned = clean_attributes({"model": "gpt"} | {f"m{n}": "x" * 250_000 for n in range(9)})

    assert "gpt" == cleaned["model"]
    assert sum(len(str(value)) for value in cleaned.values()) <= MAX_SPAN_CHARS
