"""
The turns of an agent loop: each is a request to the model, with its own usage.

Flow: facts, ending -> **model calls** -> spans.
"""

from collector.assembly.ending import Ended
from collector.assembly.facts import Facts, IterationFacts
from collector.assembly.failures import INCOMPLETE, Failure, read_failure
from collector.assembly.ids import ROLE_MODEL_CALL, span_id
from collector.assembly.usage import usage_of_message
from collector.events import StoredEvent
from collector.fields import amount, mapping, name
from collector.spans import Status, Usage
from collector.values import value


@value
class ModelCall:
    """One turn, as its span needs it."""

    span_id: str
    start_ms: float
    end_ms: float
    status: Status
    failure: Failure | None
    provider: str | None
    model: str | None
    finish_reason: str | None
    usage: Usage


def is_loop(facts: Facts) -> bool:
    """Whether the call asked the model more than once. With one turn the call itself is the model call."""
    return len(facts.iterations) > 1


def read_model_calls(facts: Facts, ending: Ended, project: str, request_id: str) -> list[ModelCall]:
    """The turns in order, none where the call is no loop."""
    if not is_loop(facts):
        return []
    return [_read(facts, facts.iterations[number], ending, project, request_id) for number in sorted(facts.iterations)]


def _read(facts: Facts, turn: IterationFacts, ending: Ended, project: str, request_id: str) -> ModelCall:
    started = mapping(None if turn.started is None else turn.started.payload)
    completed = mapping(None if turn.completed is None else turn.completed.payload)
    message_id = name(started.get("messageId")) or name(completed.get("messageId"))
    done, failed = _of_message(facts.dones, message_id), _of_message(facts.chunk_errors, message_id)
    last = failed or done or turn.completed
    end_ms = ending.end_ms if last is None else last.timestamp_ms
    status, failure = _outcome(failed, last, ending)
    return ModelCall(
        span_id=span_id(project, request_id, ROLE_MODEL_CALL, str(turn.number)),
        start_ms=_start_ms(turn, end_ms),
        end_ms=end_ms,
        status=status,
        failure=failure,
        provider=name(started.get("provider")) or facts.named.get("provider"),
        model=name(started.get("model")) or facts.named.get("model"),
        finish_reason=name(mapping(done.payload if done else None).get("finishReason")) or name(completed.get("finishReason")),
        usage=usage_of_message(facts, message_id, turn.number, completed),
    )


def _of_message(events: list[StoredEvent], message_id: str | None) -> StoredEvent | None:
    if message_id is None:
        return None
    return next((event for event in events if event.payload.get("messageId") == message_id), None)


def _start_ms(turn: IterationFacts, end_ms: float) -> float:
    if turn.started is not None:
        return turn.started.timestamp_ms
    if turn.completed is not None:
        return turn.completed.timestamp_ms - (amount(turn.completed.payload.get("duration")) or 0)
    return end_ms


def _outcome(failed: StoredEvent | None, last: StoredEvent | None, ending: Ended) -> tuple[Status, Failure | None]:
    if failed is not None:
        return "error", read_failure(failed.payload.get("error"))
    if last is not None:
        return "ok", None
    # A turn without an end shares the fate of the call; where that went well all the same, the turn's own record is cut.
    return ("incomplete", INCOMPLETE) if ending.status == "ok" else (ending.status, ending.failure)
