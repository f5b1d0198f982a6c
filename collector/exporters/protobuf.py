"""
Fields of protobuf as bytes, by its specification of the wire format.

Flow: otlp_attributes, otlp_encoding -> **fields**, which make a message when they stand one behind the other.
For what is made by the thousand: an object for every value takes twice as long. Tests hold the bytes to the official encoder's.
"""

from typing import Final

VARINT: Final = 0
FIXED64: Final = 1
DELIMITED: Final = 2
FIXED32: Final = 5
"""Wire types."""

_ONE_BYTE: Final = tuple(bytes((number,)) for number in range(0x80))


def varint(number: int) -> bytes:
    """A whole number not below zero: seven bits a byte, the lowest first; the highest bit says that more come."""
    if number < 0x80:
        return _ONE_BYTE[number]
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    return bytes((number & 0x7F | 0x80,)) + varint(number >> 7)


def tag(field_number: int, wire_type: int = DELIMITED) -> bytes:
    """What stands before a field's value."""
    return varint(field_number << 3 | wire_type)


def delimited(tag: bytes, content: bytes) -> bytes:
    """A text, bytes or a message as a field."""
    size = len(content)
    return tag + (_ONE_BYTE[size] if size < 0x80 else varint(size)) + content
