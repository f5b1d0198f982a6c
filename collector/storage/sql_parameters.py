"""
Put parameters into a statement, where PostgreSQL can take none: a view has no parameters.

Flow: sql_postgresql -> **inlined** -> a statement with literals, and where each of its places was before.
Reads the statement as PostgreSQL's lexer does, so that nothing inside a text, a quoted name or a comment is taken for a
parameter: a value would end that text. Whoever may send a statement may send any; but values may come from somebody else.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from collector.errors import SqlRefused
from collector.storage.sql_types import Value

_TOKEN: Final = re.compile(
    r"""
      (?P<escaping>[eE]'(?:[^'\\]|\\.|'')*')
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
    | --[^\r\n]*
    | (?P<comment>/\*)
    | [^\W\d][\w$]*
    | (?P<value>(?<![\w:)\]"'])(?<!\$):(?P<name>[A-Za-z0-9_]+))
    | ::
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")
_CONTINUED: Final = re.compile(r"(?:\s|--[^\r\n]*[\r\n])*'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inlined:
    """A statement with its values in it."""

    sql: str
    shifts: tuple[tuple[int, int, int], ...]
    """Of each value: where it begins in the new text, its length there, its length before."""

    def position_before(self, position: int) -> int:
        """Where this place (from 1) was in the statement as it was sent."""
        moved = 0
        for start, length, before in self.shifts:
            if position > start + length:
                moved += length - before
            elif position > start:
                return start - moved + 1
        return position - moved


def inlined(sql: str, params: Mapping[str, Value], literal: Callable[[Value], str]) -> Inlined:
    """`sql` with each `:name` that `params` has replaced by a literal. Raises SqlRefused."""
    if not params:
        return Inlined(sql=sql, shifts=())
    parts: list[str] = []
    shifts: list[tuple[int, int, int]] = []
    place = length = 0
    while place < len(sql):
        found = _TOKEN.match(sql, place)
        assert found is not None
        end = _end_of_comment(sql, found.end()) if found["comment"] else found.end()
        text = sql[place:end]
        if found["escaping"] and _CONTINUED.match(sql, end):
            raise SqlRefused("a text E'…' that goes on in a second pair of quotes can't be used together with params")
        if found["value"] and found["name"] in params:
            before, text = len(text), literal(params[found["name"]])
            shifts.append((length, len(text), before))
        parts.append(text)
        length += len(text)
        place = end
    return Inlined(sql="".join(parts), shifts=tuple(shifts))


def _end_of_comment(sql: str, place: int) -> int:
    # PostgreSQL's comments nest.
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(sql, place)):
        depth += 1 if edge[0] == "/*" else -1
        place = edge.end()
    return len(sql) if depth else place
