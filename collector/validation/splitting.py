"""
Take a JSON container apart without decoding what is in it, however deep or odd that is.

Flow: reading -> **splitting** (only where the fast way failed) -> decoding.
The fast way stops at the first member that it can't take (a lone surrogate, thousands of levels) and would lose the good
ones beside it. This one looks at strings, brackets and commas only; each member is judged later, by itself.
"""

import re
from collections.abc import Iterator

from collector.errors import BadRequest, TooLarge

# Possessive, so that a string without an end costs one pass and not one a quote.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]', re.DOTALL)
_MEMBER = re.compile(rb'\s*("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*:(.*)', re.DOTALL)
_SPACE = b" \t\r\n"
MAX_TOKENS = 4_000_000


def array_items(body: bytes) -> list[bytes]:
    """The members of an array, as sent. Raises BadRequest where brackets don't match."""
    return [part.strip(_SPACE) for part in _parts(body, b"[", b"]")]


def object_members(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The members of an object: key (with its quotes) and value, as sent. Raises BadRequest where they are none."""
    for part in _parts(body, b"{", b"}"):
        found = _MEMBER.fullmatch(part)
        if found is None:
            raise BadRequest("the body is not JSON: an object's member has no name; send a JSON array, object or NDJSON")
        yield found[1], found[2].strip(_SPACE)


def has_more_items(body: bytes, most: int) -> bool:
    """Whether an array has more members than that. Stops as soon as it has, and keeps none of them."""
    depth, commas = 0, 0
    for token in _TOKEN.finditer(body, 1):
        mark = body[token.start()]
        if mark == 0x2C:
            commas += depth == 0
            if commas >= most:
                return True
        elif mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1
    return False


def _parts(body: bytes, opening: bytes, closing: bytes) -> Iterator[bytes]:
    text = body.strip(_SPACE)
    if not (text.startswith(opening) and text.endswith(closing) and len(text) > 1):
        raise BadRequest("the body is not JSON: it ends before its first bracket is closed")
    # Counted before looking: a body made of brackets alone must not keep the process busy for long.
    if sum(text.count(mark) for mark in (b"[", b"{", b"]", b"}", b",")) + text.count(b'"') // 2 > MAX_TOKENS:
        raise TooLarge("the body holds an event that needs a closer look and is too large for it: send smaller batches")
    inner = text[1:-1]
    if not inner.strip(_SPACE):
        return
    depth, start = 0, 0
    for token in _TOKEN.finditer(inner):
        mark = inner[token.start()]
        if mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1
            if depth < 0:
                raise BadRequest("the body is not JSON: a bracket is closed that was not opened")
        elif mark == 0x2C and depth == 0:
            yield inner[start : token.start()]
            start = token.end()
    if depth:
        raise BadRequest("the body is not JSON: it ends before all brackets are closed")
    yield inner[start:]
