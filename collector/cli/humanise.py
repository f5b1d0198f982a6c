"""
Numbers and times as people read them.

Flow: rows -> **text for a terminal**. Pure; programs get the raw values by `--json`.
"""

from datetime import datetime

NOTHING = "–"


def duration(ms: float | None) -> str:
    """A duration with three significant digits or so: `0.42 ms`, `812 ms`, `4.21 s`, `3 min 12 s`, `2 h 05 min`."""
    if ms is None:
        return NOTHING
    if ms < 1000:
        return f"{ms:.2f} ms" if ms < 1 else f"{ms:.1f} ms" if ms < 10 else f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 60:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def moment(ms: float | None, *, now_ms: float) -> str:
    """Local time: today with milliseconds, else the date without."""
    if ms is None:
        return NOTHING
    at, now = datetime.fromtimestamp(ms / 1000).astimezone(), datetime.fromtimestamp(now_ms / 1000).astimezone()
    if at.date() == now.date():
        return at.strftime("%H:%M:%S.") + f"{at.microsecond // 1000:03d}"
    return at.strftime("%m-%d %H:%M:%S" if at.year == now.year else "%Y-%m-%d %H:%M")


def day_and_time(ms: float) -> str:
    """Local time with its day and offset: what is still right when it is read another day."""
    return datetime.fromtimestamp(ms / 1000).astimezone().isoformat(" ", "seconds")


def ago(ms: float | None, *, now_ms: float) -> str:
    """How long ago."""
    if ms is None:
        return "never"
    return "just now" if now_ms - ms < 1000 else f"{duration(now_ms - ms)} ago"


def count(number: float | None) -> str:
    """A count with separators."""
    return NOTHING if number is None else f"{number:,.0f}"


def usd(cost: float | None) -> str:
    """Money: cents need more digits than dollars."""
    if cost is None:
        return NOTHING
    return f"${cost:.2f}" if cost >= 1 or cost == 0 else f"${cost:.4f}" if cost >= 0.001 else f"${cost:.2g}"


def one_line(text: object, *, at_most: int = 200) -> str:
    """Text on one line, its control characters made visible: it came from somewhere and goes to a terminal."""
    flat = " ".join(str(text or "").split())
    safe = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in flat)
    return safe if len(safe) <= at_most else safe[: at_most - 1] + "…"
