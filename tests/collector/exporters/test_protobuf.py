"""
Fields of protobuf are those of the official library.
"""

import pytest
from google.protobuf.wrappers_pb2 import BytesValue, UInt64Value

from collector.exporters.protobuf import VARINT, delimited, tag, varint


@pytest.mark.parametrize("number", [1, 0x7F, 0x80, 0x3FFF, 0x4000, 2**32, 2**64 - 1])
def test_numbers_of_any_length(number: int) -> None:
    """
    A varint takes as many bytes as it needs, one to ten.
    """
    assert UInt64Value(value=number).SerializeToString() == tag(1, VARINT) + varint(number)


@pytest.mark.parametrize("size", [1, 0x7F, 0x80, 0x3FFF, 0x4000, 70_000])
def test_contents_of_any_length(size: int) -> None:
    """
    A field tells its length before its content.
    """
    assert BytesValue(value=b"x" * size).SerializeToString() == delimited(tag(1), b"x" * size)


def test_field_numbers_beyond_one_byte() -> None:
    """
    From the sixteenth field on the tag takes two bytes.
    """
    assert b"\x7a" == tag(15)
    assert b"\x82\x01" == tag(16)
