"""
The list's address: which filters, which time, which call is open; and the addresses one step away from it.

Flow: query string -> **ListQuery** -> CallFilter ; chips, time range and paging -> other query strings.
The names are those of `/v1/calls`, so a list's address and the API's differ in the path only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from pydantic import Field

from collector.query.filter_text import SHORT, parse_filter
from collector.query.parameters import CallQuery
from collector.storage.protocols import CallFilter

PAGE_ROWS: Final = 40
"""A screen's worth and a bit: each row costs the first paint; the script asks for more at once where there is room."""
MOST_ROWS: Final = 100
"""More would make an answer of over 200 KB."""
RANGES_MS: Final[Mapping[str, int]] = {"15m": 900_000, "1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000}
_FILTERS: Final = ("status", "operation", "model", "provider", "service", "client_id", "session_id", "tool", "request_id")

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One filter, and the list's address without it."""

    key: str
    value: str
    is_not: bool
    href: str


class ListQuery(CallQuery):
    """What the list's address may say."""

    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = PAGE_ROWS
    range: Literal["", "15m", "1h", "24h", "7d"] = ""
    call: Annotated[str | None, Field(max_length=1000, description="The call that is open beside the list.")] = None
    filter: Annotated[str | None, Field(max_length=2000, description="As typed; leads to an address with parameters.")] = None
    fragment: str | None = None

    def in_project(self, project: str, *, now_ms: int) -> CallFilter:
        """The filter; a relative time range counts from now. Raises BadRequest."""
        if self.range and not self.since:
            return self.model_copy(update={"since": str(now_ms - RANGES_MS[self.range])}).to_filter(project)
        return self.to_filter(project)

    def pairs(self, *, leave: Sequence[str] = ()) -> list[Pair]:
        """The filters as parameters, without those of some names; neither page nor selection."""
        found: list[Pair] = []
        for name in _FILTERS:
            found += [(name, value) for value in getattr(self, name) if value]
        for name in ("min_duration_ms", "q", "since", "until", "range"):
            value = getattr(self, name)
            if value not in (None, ""):
                found.append((name, f"{value:g}" if isinstance(value, float) else str(value)))
        return [(name, value) for name, value in found if name not in leave]

    def typed(self) -> str:
        """The address that says by parameters what was typed."""
        typed = parse_filter(self.filter or "")
        names = {name for name, _ in typed}
        # Text and least duration can be there once; what was typed last counts.
        leave = [name for name in ("q", "min_duration_ms") if name in names]
        if "min_duration_ms" in names and not _is_number(dict(typed)["min_duration_ms"]):
            typed = [pair for pair in typed if pair[0] != "min_duration_ms"]
        return address(dict.fromkeys([*self.pairs(leave=leave), *typed]))

    def chips(self) -> list[Chip]:
        """The filters that are on."""
        pairs = [pair for pair in self.pairs() if pair[0] != "range"]
        return [
            Chip(
                key="text" if name == "q" else SHORT.get(name, name),
                value=value.removeprefix("!"),
                is_not=value.startswith("!") and name in _FILTERS,
                href=address([pair for pair in self.pairs() if pair != (name, value)]),
            )
            for name, value in pairs
        ]

    def ranges(self) -> list[tuple[str, str, bool]]:
        """Label, address and whether it is on, of each time range."""
        rest = self.pairs(leave=("range", "since", "until"))
        others = [(label, address([*rest, ("range", label)]), self.range == label) for label in RANGES_MS]
        return [("all", address(rest), not (self.range or self.since or self.until)), *others]


def address(pairs: Sequence[Pair] | Mapping[Pair, None], path: str = "/") -> str:
    """A path with parameters."""
    query = urlencode(list(pairs))
    return f"{path}?{query}" if query else path


def _is_number(text: str) -> bool:
    try:
        return float(text) >= 0
    except ValueError:
        return False
