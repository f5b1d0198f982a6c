"""
What a batch says about calls: which ones changed, whether their start or end is in it, and which runs ended badly.

Flow: columns -> **touches** -> storage (the call's first row and its work item).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from collector import semconv
from collector.dialects import DIALECTS
from collector.dialects.protocol import Edge
from collector.events import CallTouch, EventRow, RunEnd
from collector.validation.columns import bounded
from collector.validation.decoding import decode_event, require_object

_CALLLESS_FAMILIES: Final = frozenset({"client", "hook", "run", "devtools", "feedback"})
"""They say nothing of how a call went: a requestId in them finds the event and makes no call, which would never end."""
_RUN_END_TYPES: Final = frozenset({"run:errored", "run:cancelled"})
_ANY_DEPTH: Final = 1000
_TYPES_KEPT: Final = 1024
PART_OPERATION: Final = semconv.operation_of("image", {}).name
"""All parts that a dialect knows are images."""


@dataclass(slots=True)
class _Told:
    """What the rows of one call say, as far as they were read."""

    first: EventRow
    has_start: bool
    has_terminal: bool


def call_touches(rows: Iterable[EventRow]) -> tuple[CallTouch, ...]:
    """One touch a call, in the order in which the calls first appear."""
    told_by_call: dict[str, _Told] = {}
    for row in rows:
        request_id = row.request_id
        if request_id is None or not _makes_calls(row.dialect, row.type):
            continue
        edge = _edge(row.dialect, row.type)
        told = told_by_call.get(request_id)
        if told is None:
            told_by_call[request_id] = _Told(row, edge == "start", edge == "end")
        elif edge == "start" and not told.has_start:
            told.first, told.has_start = row, True
        elif edge == "end":
            told.has_terminal = True
    return tuple([_touch(request_id, told) for request_id, told in told_by_call.items()])


def part_touches(parts: Iterable[tuple[EventRow, str]]) -> tuple[CallTouch, ...]:
    """
    One touch for each call inside a call, from the rows that name its part; what makes such a row's own call is told apart.

    The row stays one, under the requestId of its call: `first.request_id` is that, and the part's parent as well.
    """
    rows_by_call: dict[str, list[EventRow]] = {}
    for row, part in parts:
        request_id = f"{row.request_id}/{part}"
        # A name that does not fit the column as it is could not be taken apart again.
        if row.request_id is not None and bounded(request_id) == request_id:
            rows_by_call.setdefault(request_id, []).append(row._replace(parent_request_id=row.request_id))
    return tuple(
        CallTouch(
            request_id=request_id,
            first=rows[0],
            operation=PART_OPERATION,
            has_start=False,
            has_terminal=any(DIALECTS[row.dialect].ends_part(row.type) for row in rows),
        )
        for request_id, rows in rows_by_call.items()
    )


def run_ends(rows: Iterable[EventRow]) -> tuple[RunEnd, ...]:
    """The runs that a batch says were cancelled or failed."""
    run_ids = dict.fromkeys([row.run_id for row in rows if row.type in _RUN_END_TYPES and row.run_id is not None])
    return tuple([RunEnd(run_id=run_id) for run_id in run_ids])


def _touch(request_id: str, told: _Told) -> CallTouch:
    return CallTouch(
        request_id=request_id,
        first=told.first,
        operation=_operation(told.first),
        has_start=told.has_start,
        has_terminal=told.has_terminal,
    )


# Remembered: a few types make nearly all rows, and asking each time would be a third of what reading a row costs.
@lru_cache(_TYPES_KEPT)
def _makes_calls(dialect: str, type_name: str) -> bool:
    return DIALECTS[dialect].makes_calls and type_name.partition(":")[0] not in _CALLLESS_FAMILIES


@lru_cache(_TYPES_KEPT)
def _edge(dialect: str, type_name: str) -> Edge | None:
    return DIALECTS[dialect].edge(type_name)


@lru_cache(_TYPES_KEPT)
def _activity(dialect: str, type_name: str) -> str:
    return DIALECTS[dialect].activity(type_name)


@lru_cache(_TYPES_KEPT)
def _plain_operation(activity: str) -> str:
    return semconv.operation_of(activity, {}).name


def _operation(first: EventRow) -> str:
    """What the call is until assembly has seen all of it. Only videos need more than the type to tell."""
    activity = _activity(first.dialect, first.type)
    if activity != "video":
        return _plain_operation(activity)
    payload = require_object(decode_event(first.payload.encode(), max_depth=_ANY_DEPTH).value)
    return semconv.operation_of(activity, payload).name
