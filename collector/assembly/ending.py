"""
Whether a call is over, how it ended, and when to look again if it isn't.

Flow: facts -> **Running | Ended** -> timing, spans, the work queue.
Best first: the call's own completed, error or aborted; the stream's error; a stream that stopped to wait for the client;
the run's end as the browser tells it; silence for too long.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from collector.assembly.facts import Facts
from collector.assembly.failures import INCOMPLETE, Failure, failure_of_completed, read_failure
from collector.assembly.gather import activity_of
from collector.assembly.inputs import CallEvents
from collector.events import StoredEvent
from collector.fields import name
from collector.spans import Status
from collector.values import value

RUN_END_QUIET_MS = 30_000
"""How long a call must be silent until the browser's word about its run is believed: the server may go on."""

Waiting = Literal["client_tool", "approval"]


@value
class Running:
    """No end yet."""

    look_again_ms: int


@value
class Ended:
    """The call is over. `event` is its terminal event; without one the end is the last sign of life."""

    status: Status
    end_ms: float
    event: StoredEvent | None = None
    failure: Failure | None = None
    waiting: Waiting | None = None


Ending = Running | Ended


def find_ending(facts: Facts, own: Sequence[StoredEvent], call: CallEvents) -> Ending:
    """How the call stands at `call.now_ms`."""
    return _own_ending(facts) or _stream_error(facts) or _waiting(facts) or _without_terminal(own[-1], call)


def finish_reason(facts: Facts, terminal: StoredEvent | None) -> str | None:
    """The terminal event's, else that of the last stop of the stream."""
    told = None if terminal is None else name(terminal.payload.get("finishReason"))
    return told or next((reason for done in reversed(facts.dones) if (reason := name(done.payload.get("finishReason")))), None)


def _own_ending(facts: Facts) -> Ended | None:
    activity = facts.activity
    event = next((event for event in facts.terminals if activity_of(event.type) == activity), None)
    if event is None:
        return None
    if event.type.endswith(":aborted"):
        # An abort may say why; then it does so in the same words as an error.
        told = event.payload.get("error")
        failure = None if told is None else read_failure(told)
        return Ended(status="aborted", end_ms=event.timestamp_ms, event=event, failure=failure)
    failed = event.type.endswith(":error")
    failure = (
        read_failure(event.payload.get("error")) if failed else failure_of_completed(event.payload, finish_reason(facts, event))
    )
    return Ended(status="ok" if failure is None else "error", end_ms=event.timestamp_ms, event=event, failure=failure)


def _stream_error(facts: Facts) -> Ended | None:
    if not facts.chunk_errors:
        return None
    event = facts.chunk_errors[0]
    return Ended(status="error", end_ms=event.timestamp_ms, event=event, failure=read_failure(event.payload.get("error")))


def _waiting(facts: Facts) -> Ended | None:
    """A stream that stops after it asked for a client tool or an approval: the answer comes as another call."""
    if not facts.waits:
        return None
    dones = _by_message(facts.dones)
    for message_id, waits in _by_message(facts.waits).items():
        # The stop comes twice, before and after the question; in one millisecond only the time can be compared.
        stops = [done for done in dones.get(message_id, ()) if done.timestamp_ms >= waits[-1].timestamp_ms]
        if stops:
            needs_approval = any(other.type == "tools:approval:requested" for other in waits)
            waiting: Waiting = "approval" if needs_approval else "client_tool"
            return Ended(status="ok", end_ms=stops[-1].timestamp_ms, event=stops[-1], waiting=waiting)
    return None


def _by_message(events: Iterable[StoredEvent]) -> dict[str | None, list[StoredEvent]]:
    found: dict[str | None, list[StoredEvent]] = {}
    for event in events:
        found.setdefault(name(event.payload.get("messageId")), []).append(event)
    return found


def _without_terminal(last: StoredEvent, call: CallEvents) -> Ending:
    run_end = next((event for event in call.run_ends if _concerns(event, call)), None)
    if run_end is not None:
        believed_ms = call.last_received_ms + RUN_END_QUIET_MS
        return _by_run(run_end, last) if call.now_ms >= believed_ms else Running(look_again_ms=believed_ms)
    idle_ms = call.last_received_ms + call.idle_timeout_ms
    if call.now_ms >= idle_ms:
        return Ended(status="incomplete", end_ms=last.timestamp_ms, failure=INCOMPLETE)
    return Running(look_again_ms=min(idle_ms, call.now_ms + _look_interval_ms(call)))


def _concerns(run_end: StoredEvent, call: CallEvents) -> bool:
    """Receipt is compared: the browser's clock and the server's need not agree."""
    return abs(run_end.received_ms - call.last_received_ms) <= call.idle_timeout_ms


def _by_run(run_end: StoredEvent, last: StoredEvent) -> Ended:
    if run_end.type == "run:cancelled":
        return Ended(status="aborted", end_ms=last.timestamp_ms)
    return Ended(status="error", end_ms=last.timestamp_ms, failure=read_failure(run_end.payload.get("error")))


def _look_interval_ms(call: CallEvents) -> int:
    """A look costs as much as the call is long, so a call twice as old is looked at half as often."""
    return max(call.settle_ms, call.now_ms - call.first_received_ms, 1)
