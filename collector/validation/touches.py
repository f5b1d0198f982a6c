"""
What a batch says about calls: which ones changed, whether their start or end is in it, and which runs ended badly.

Flow: columns -> **touches** -> storage (the call's first row and its work item).
"""

from collections.abc import Iterable
from typing import Final

from collector import semconv
from collector.dialects import DIALECTS
from collector.events import CallTouch, EventRow, RunEnd
from collector.validation.columns import bounded
from collector.validation.decoding import decode_event, require_object

_CALLLESS_FAMILIES: Final = frozenset({"client", "hook", "run", "devtools", "feedback"})
"""They say nothing of how a call went: a requestId in them finds the event and makes no call, which would never end."""
_RUN_END_TYPES: Final = frozenset({"run:errored", "run:cancelled"})
_ANY_DEPTH: Final = 1000
PART_OPERATION: Final = semconv.operation_of("image", {}).name
"""All parts that a dialect knows are images."""


def call_touches(rows: Iterable[EventRow]) -> tuple[CallTouch, ...]:
    """One touch a call, in the order in which the calls first appear."""
    rows_by_call: dict[str, list[EventRow]] = {}
    for row in rows:
        if row.request_id is not None and row.type.partition(":")[0] not in _CALLLESS_FAMILIES:
            rows_by_call.setdefault(row.request_id, []).append(row)
    return tuple(_touch(request_id, of_call) for request_id, of_call in rows_by_call.items())


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
    run_ids = dict.fromkeys(row.run_id for row in rows if row.type in _RUN_END_TYPES and row.run_id is not None)
    return tuple(RunEnd(run_id=run_id) for run_id in run_ids)


def _touch(request_id: str, rows: list[EventRow]) -> CallTouch:
    edges = [DIALECTS[row.dialect].edge(row.type) for row in rows]
    start = rows[edges.index("start")] if "start" in edges else None
    first = start or rows[0]
    return CallTouch(
        request_id=request_id,
        first=first,
        operation=_operation(first),
        has_start=start is not None,
        has_terminal="end" in edges,
    )


def _operation(first: EventRow) -> str:
    """What the call is until assembly has seen all of it. Only videos need more than the type to tell."""
    activity = DIALECTS[first.dialect].activity(first.type)
    payload = require_object(decode_event(first.payload.encode(), max_depth=_ANY_DEPTH).value) if activity == "video" else {}
    return semconv.operation_of(activity, payload).name
