"""
The query parameters of the lists, and how they become filters.

Flow: HTTP query -> **these models** -> EventFilter, CallFilter -> storage.
A repeated parameter means or, a leading `!` means not. An unknown parameter is refused: a misspelt filter that filters nothing
is worse than an error.
"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from collector.errors import BadRequest
from collector.fields import bounded
from collector.query.times import parse_time
from collector.storage.protocols import CallFilter, EventFilter

Values = Annotated[list[str], Field(default_factory=list, max_length=100)]
"""Repeated means or; a leading `!` means not."""
_TIME = "Unix milliseconds, or RFC 3339 with an offset."
Since = Annotated[str | None, Field(description=f"From this time on. {_TIME}", examples=["2026-01-31T12:00:00Z"])]
Until = Annotated[str | None, Field(description=f"Before this time. {_TIME}", examples=["1769860800000"])]
Limit = Annotated[int, Field(ge=1, le=1000, description="Rows a page.")]
Cursor = Annotated[str | None, Field(max_length=512, description="The `next_cursor` of the page before, with the same filter.")]


class TimeRange(BaseModel):
    """`since` and `until`, for whatever has a time."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    since: Since = None
    until: Until = None

    def bounds(self) -> dict[str, int | None]:
        """The bounds in Unix milliseconds, under the filters' names."""
        return {
            "since_ms": parse_time("since", self.since) if self.since else None,
            "until_ms": parse_time("until", self.until) if self.until else None,
        }


class ListQuery(TimeRange):
    """What every list takes."""

    limit: Limit = 100
    cursor: Cursor = None

    def _shared(self, names: Sequence[str]) -> dict[str, Any]:
        lists = {name: _as_stored(name, clean_values(name, getattr(self, name))) for name in names}
        return {**lists, **self.bounds(), "limit": self.limit, "cursor": clean_text("cursor", self.cursor)}


class EventQuery(ListQuery):
    """Which events. Repeat a parameter for or, put `!` in front of a value for not."""

    type: Values
    request_id: Values
    stream_id: Values
    client_id: Values
    thread_id: Values
    run_id: Values
    provider: Values
    model: Values
    tool: Values

    def to_filter(self, project: str) -> EventFilter:
        """The filter, in a project. Raises BadRequest."""
        return EventFilter(project=project, **self._shared(_lists_of(EventQuery)))


class CallQuery(ListQuery):
    """Which calls. Repeat a parameter for or, put `!` in front of a value for not."""

    request_id: Values
    status: Values
    operation: Values
    provider: Values
    model: Values
    tool: Values
    service: Values
    client_id: Values
    session_id: Values
    min_duration_ms: Annotated[
        float | None, Field(ge=0, allow_inf_nan=False, description="Calls that took at least so long.")
    ] = None
    q: Annotated[str | None, Field(max_length=1000, description="Text to find in the preview of prompt and answer.")] = None

    def to_filter(self, project: str) -> CallFilter:
        """The filter, in a project. Raises BadRequest."""
        return CallFilter(
            project=project,
            min_duration_ms=self.min_duration_ms,
            q=clean_text("q", self.q),
            **self._shared(_lists_of(CallQuery)),
        )


class StatsQuery(TimeRange):
    """Which calls to count, and by what."""

    by: Annotated[str | None, Field(description="model, provider, operation, service or status; without it one row of all.")] = (
        None
    )

    def group(self) -> str | None:
        """The column to group by. Raises BadRequest."""
        if self.by and self.by not in STATS_BY:
            raise BadRequest(f"by: can't group by that. Give one of {', '.join(STATS_BY)}, or leave it out.")
        return self.by or None


STATS_BY = ("model", "provider", "operation", "service", "status")


def clean_values(name: str, values: Sequence[str]) -> tuple[str, ...]:
    """The values that say something: an empty one, as browsers send for an unused field, is none."""
    for value in values:
        if value == "!":
            raise BadRequest(f"{name}: `!` excludes a value; write the value right behind it.")
    return tuple(text for value in values if (text := clean_text(name, value)))


def _as_stored(name: str, values: Sequence[str]) -> tuple[str, ...]:
    """The values as columns hold them. A tool's name is as long as it is."""
    if name == "tool":
        return tuple(values)
    return tuple("!" + bounded(value[1:]) if value.startswith("!") else bounded(value) for value in values)


def clean_text(name: str, value: str | None) -> str | None:
    """The text, None for an empty one. PostgreSQL knows no NUL, so nothing stored has one."""
    if value and "\0" in value:
        raise BadRequest(f"{name}: a NUL character matches nothing; leave it out.")
    return value or None


def _lists_of(model: type[ListQuery]) -> tuple[str, ...]:
    return tuple(name for name, field in model.model_fields.items() if field.default_factory is list)
