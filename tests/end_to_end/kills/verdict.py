"""
What must be true after the rounds, looked at by pure functions: the harness gathers, this judges.

Nothing acknowledged is missing; nothing is there twice; every call whose end is stored is assembled and its span was sent; a span
came again only where a kill fell between the backend's 2xx and the collector's commit, once a kill at most, as the same bytes.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Copy:
    """A span as the backend got it."""

    at_s: float
    sent: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """The collector died; `done` are the spans whose export the database says is committed."""

    at_s: float
    done: Set[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """A row of `calls`."""

    request_id: str
    status: str
    span_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Everything that the harness gathered."""

    acknowledged: Set[str]
    stored_event_ids: Sequence[str]
    ended_calls: Set[str]
    calls: Sequence[StoredCall]
    copies: Mapping[str, Sequence[Copy]]
    kills: Sequence[Kill]
    sequences: Mapping[str, Sequence[int]]
    """Of each host process: the sequence numbers that are stored."""


def faults(found: Found) -> list[str]:
    """What is wrong, in words; empty when all is well."""
    return [*_event_faults(found), *_call_faults(found), *_span_faults(found), *_sequence_faults(found)]


def sent_again(found: Found) -> int:
    """How many copies too many the backend got."""
    return sum(len(copies) - 1 for copies in found.copies.values())


def _event_faults(found: Found) -> Iterable[str]:
    stored = set(found.stored_event_ids)
    lost = found.acknowledged - stored
    if lost:
        yield f"{len(lost)} acknowledged events are lost: {_some(lost)}"
    doubled = len(found.stored_event_ids) - len(stored)
    if doubled:
        yield f"{doubled} events are stored twice"


def _call_faults(found: Found) -> Iterable[str]:
    by_name: dict[str, list[StoredCall]] = defaultdict(list)
    for call in found.calls:
        by_name[call.request_id].append(call)
    missing = found.ended_calls - set(by_name)
    if missing:
        yield f"{len(missing)} calls have no row: {_some(missing)}"
    doubled = [name for name, calls in by_name.items() if len(calls) > 1]
    if doubled:
        yield f"{len(doubled)} calls have several rows: {_some(doubled)}"
    unfinished = [name for name in found.ended_calls & set(by_name) if by_name[name][0].status != "ok"]
    if unfinished:
        yield f"{len(unfinished)} ended calls are not assembled: {_some(unfinished)}"


def _span_faults(found: Found) -> Iterable[str]:
    expected = {call.span_id for call in found.calls if call.request_id in found.ended_calls and call.span_id}
    unsent = expected - set(found.copies)
    if unsent:
        yield f"{len(unsent)} spans never came: {_some(unsent)}"
    unknown = set(found.copies) - {call.span_id for call in found.calls}
    if unknown:
        yield f"{len(unknown)} spans are no call's: {_some(unknown)}"
    for span_id, copies in found.copies.items():
        if len(copies) > 1:
            yield from _copy_faults(span_id, copies, found.kills)


def _copy_faults(span_id: str, copies: Sequence[Copy], kills: Sequence[Kill]) -> Iterable[str]:
    if any(copy.sent != copies[0].sent for copy in copies):
        yield f"span {span_id} came again as other bytes"
    for before, after in pairwise(copies):
        between = [kill for kill in kills if before.at_s <= kill.at_s <= after.at_s]
        if not between:
            yield f"span {span_id} came again without a kill in between"
        elif any(span_id in kill.done for kill in between):
            yield f"span {span_id} came again although its export was committed"


def _sequence_faults(found: Found) -> Iterable[str]:
    for prefix, numbers in found.sequences.items():
        gaps = max(numbers) - len(set(numbers))
        if gaps:
            yield f"{gaps} events before the last one of host {prefix} are missing"


def _some(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:5])
