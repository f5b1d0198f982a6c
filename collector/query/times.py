"""
Read the times that people write in queries.

Flow: query parameter -> **Unix milliseconds** -> filters. Pure.
"""

from datetime import UTC, datetime

from collector.errors import BadRequest

# The year 9999: what is later is a slip of units, and BIGINT columns would refuse some of it.
_MAX_MS = 253_402_300_799_999


def parse_time(name: str, text: str) -> int:
    """`text` as Unix milliseconds: a number of them, or RFC 3339 with an offset. `name` is the parameter, for the message."""
    if text.removeprefix("-").isdecimal():
        return _within(name, int(text) if len(text) < 20 else _MAX_MS + 1)
    # A `+` that was not percent-encoded arrives as a space: 2026-01-01T00:00:00 02:00.
    candidate = text.upper()
    candidate = candidate.replace(" ", "+") if "T" in candidate else candidate
    try:
        moment = datetime.fromisoformat(candidate)
    except ValueError:
        raise BadRequest(f"{name}: not a time. Give Unix milliseconds or RFC 3339 such as 2026-01-31T12:00:00Z.") from None
    if moment.tzinfo is None:
        raise BadRequest(f"{name}: the time has no offset, so it could mean any of 24 hours. Add `Z` or `+02:00` behind it.")
    elapsed = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC) if _fits(moment) else None
    if elapsed is None:
        raise BadRequest(f"{name}: the time is out of range.")
    return _within(name, (elapsed.days * 86_400 + elapsed.seconds) * 1000 + elapsed.microseconds // 1000)


def _fits(moment: datetime) -> bool:
    # At either end of the calendar the shift to UTC overflows.
    return 1 < moment.year < 9999


def _within(name: str, unix_ms: int) -> int:
    if not 0 <= unix_ms <= _MAX_MS:
        raise BadRequest(f"{name}: the time is out of range. Give Unix milliseconds (1970 to 9999).")
    return unix_ms
