"""
Numbers, times and texts as the page shows them.

Flow: rows -> **filters of the templates** -> HTML (escaped there). Pure.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

NOTHING = ""


def duration(ms: float | None) -> str:
    """`0.42 ms`, `812 ms`, `4.21 s`, `3 m 12 s`, `2 h 05 m`."""
    if ms is None:
        return NOTHING
    if ms < 1000:
        return f"{ms:.2f} ms" if ms < 1 else f"{ms:.1f} ms" if ms < 9.95 else f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 100:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60} m {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02d} m"


def count(number: float | None) -> str:
    """`0`, `812`, `12.4k`, `3.1M`: four characters or so; the exact number is in the cell's title."""
    if number is None:
        return NOTHING
    for limit, divisor, unit in ((9_999.5, 1, ""), (999_950, 1e3, "k"), (999_950_000, 1e6, "M")):
        if number < limit:
            return f"{number:,.0f}" if divisor == 1 else f"{number / divisor:.1f}{unit}"
    return f"{number / 1e9:.1f}G"


def exact(number: float | None) -> str:
    """A whole number with separators."""
    return NOTHING if number is None else f"{number:,.0f}"


def usd(cost: float | None) -> str:
    """Money: the smaller, the more digits."""
    if cost is None:
        return NOTHING
    if cost >= 1 or cost == 0:
        return f"${cost:.2f}"
    return f"${cost:.4f}" if cost >= 0.0001 else "<$0.0001"


def clock(ms: float | None) -> str:
    """The time of day, UTC; the script puts the viewer's own in its place."""
    return NOTHING if ms is None else f"{_moment(ms):%H:%M:%S}.{int(ms) % 1000:03d}"


def iso(ms: float | None) -> str:
    """For `datetime` attributes."""
    return NOTHING if ms is None else _moment(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def first_line(text: object, at_most: int = 140) -> str:
    """The first line that says something, cut short."""
    line = next((line for line in map(str.strip, str(text or "").splitlines()) if line), "")
    return line if len(line) <= at_most else line[: at_most - 1] + "…"


def tokens_per_s(call: Mapping[str, Any]) -> float | None:
    """How fast the answer came: over the time in which it streamed, or over the whole call where it came at once."""
    tokens, duration_ms = call["output_tokens"], call["duration_ms"]
    if not tokens or not duration_ms:
        return None
    streamed_ms = duration_ms - (call["time_to_first_chunk_ms"] or 0.0)
    return tokens / (streamed_ms if streamed_ms > 0 else duration_ms) * 1000


def http_url(text: object) -> str | None:
    """The text, if it is an address that may be a link: http or https and nothing else."""
    address = str(text or "").strip()
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme in {"http", "https"} and parts.netloc else None


def _moment(ms: float) -> datetime:
    # Senders' clocks may say anything; what no calendar has is shown as its beginning.
    try:
        return datetime.fromtimestamp(ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


FILTERS = {
    "duration": duration,
    "count": count,
    "exact": exact,
    "usd": usd,
    "clock": clock,
    "iso": iso,
    "first_line": first_line,
    "tokens_per_s": tokens_per_s,
    "http_url": http_url,
}
