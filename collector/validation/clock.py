"""
When an event happened: the sender's timestamp, whatever unit it came in.

Flow: decoding -> dialects -> **clock** -> columns. The receiver's time comes in as an argument.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from collector.validation.codes import BAD_TIMESTAMP, Refused

Clock = Literal["sender", "unit_fixed", "receiver", "suspect"]

SUSPECT_AFTER_MS: Final = 7 * 24 * 3600 * 1000

# Unix times of 1973 to 5138 in each unit don't overlap, so the magnitude tells the unit.
_SECONDS_BELOW: Final = 1e11
_MILLISECONDS_BELOW: Final = 1e14
_MICROSECONDS_BELOW: Final = 1e17
_NANOSECONDS_BELOW: Final = 1e20
_LAST_MS: Final = 100_000_000_000_000


class Moment(NamedTuple):
    """A time in whole Unix milliseconds, what came behind them (0 < fraction < 1, or None), and whose clock said so."""

    ms: int
    fraction: float | None
    clock: Clock


def moment_of(event: Mapping[str, Any], received_ms: int) -> Moment:
    """The event's own time, else its context's, else the time of receipt. Raises Refused for one that can't be read."""
    given = event.get("timestamp")
    if given is None:
        given = _context_timestamp(event)
    if given is None:
        return Moment(received_ms, None, "receiver")
    return _read(given, received_ms)


def _context_timestamp(event: Mapping[str, Any]) -> Any:
    context: Any = event.get("context")
    return context.get("timestamp") if type(context) is dict else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]


def _read(given: Any, received_ms: int) -> Moment:
    if type(given) is int or type(given) is float:
        return moment_of_number(given, received_ms)
    if type(given) is str:
        return _from_text(given.strip(), received_ms)
    if type(given) is dict and given.get("__type") == "bigint":  # pyright: ignore[reportUnknownMemberType]
        return _from_text(str(given.get("value")), received_ms)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    raise _unreadable("it is neither a number nor a text")


def moment_of_number(given: int | float, received_ms: int) -> Moment:
    """The time that a number means. Raises Refused for one that means none."""
    # Nearly all: milliseconds of these days, by a clock that is right.
    if -SUSPECT_AFTER_MS <= given - received_ms <= SUSPECT_AFTER_MS and _SECONDS_BELOW <= given < _MILLISECONDS_BELOW:
        whole = int(given)
        return Moment(whole, (given - whole) or None, "sender")
    if given < 0 or given >= _NANOSECONDS_BELOW:
        raise _unreadable("it is no Unix time in seconds, milliseconds, microseconds or nanoseconds")
    if given < _SECONDS_BELOW:
        ms, fraction = _split(round(given * 1000, 3))
        return _judged(ms, fraction, "unit_fixed", received_ms)
    if given < _MILLISECONDS_BELOW:
        ms, fraction = _split(given)
        return _judged(ms, fraction, "sender", received_ms)
    a_ms = 1000 if given < _MICROSECONDS_BELOW else 1_000_000
    # Whole numbers stay whole: a double has no room for nanoseconds since 1970.
    ms, rest = divmod(int(given), a_ms)
    return _judged(ms, rest / a_ms or None, "unit_fixed", received_ms)


def _from_text(given: str, received_ms: int) -> Moment:
    if not given.isascii():
        raise _unreadable("it is not written in plain digits")
    try:
        number = int(given) if given.isdecimal() else float(given)
    except (ValueError, OverflowError):
        return _from_iso(given, received_ms)
    if number != number:
        raise _unreadable("it is not a number")
    moment = moment_of_number(number, received_ms)
    return moment if moment.clock == "suspect" else Moment(moment.ms, moment.fraction, "unit_fixed")


def _from_iso(given: str, received_ms: int) -> Moment:
    try:
        at = datetime.fromisoformat(given)
        # Without an offset nobody can tell; UTC is what servers mean.
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise _unreadable("it is neither Unix time nor ISO 8601") from None
    if seconds < 0:
        raise _unreadable("it is before 1970")
    ms, fraction = _split(round(seconds * 1000, 3))
    return _judged(ms, fraction, "unit_fixed", received_ms)


def _split(ms: int | float) -> tuple[int, float | None]:
    whole = int(ms)
    return whole, (ms - whole) or None


def _judged(ms: int, fraction: float | None, clock: Clock, received_ms: int) -> Moment:
    if ms >= _LAST_MS:
        raise _unreadable("it lies after the year 5138")
    is_far = not -SUSPECT_AFTER_MS <= ms - received_ms <= SUSPECT_AFTER_MS
    return Moment(ms, fraction, "suspect" if is_far else clock)


def _unreadable(why: str) -> Refused:
    return Refused(BAD_TIMESTAMP, f"`timestamp` can't be read, {why}: send Unix milliseconds")
