"""
The pieces of a stream, taken out of the events that carry them.

Flow: storage (Reader.call_pieces) -> **pieces** -> the page. The same pieces as the rows of the view `chunks`, but a window of
them at a time: the view must number a whole call before it can show its end.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from collector.errors import BadRequest
from collector.storage.protocols import Reader, Row

MOST_EVENTS = 25_000
"""Events whose times are looked at; of a longer stream the rest is in SQL."""
_FARTHEST_OFFSET_MS = 1e12
"""As in the view `chunks`: an offset beyond thirty years is none."""
_MEMBERS = ("delta", "arguments", "result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of text; `n` counts from 1, `gap_ms` is None for the first."""

    n: int
    at_ms: float
    gap_ms: float | None
    kind: str
    delta: str
    message_id: str | None
    tool_call_id: str | None
    choice: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceWindow:
    """Some pieces in a row, and what to ask for to go on; None at the end."""

    pieces: tuple[Piece, ...]
    next_window: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Behind which event a window begins, how many pieces of the next one are known, and what lies before it."""

    cursor: str | None = None
    skipped: int = 0
    n: int = 0
    last_ms: float | None = None


def read_pieces(
    reader: Reader, project: str, request_id: str, *, window: str | None = None, limit: int = 200, kind: str | None = None
) -> PieceWindow:
    """Up to `limit` pieces from a `next_window` on. Raises BadRequest."""
    place = _parse(window)
    rows = reader.call_pieces(project, request_id, limit=limit + 1, cursor=place.cursor, kind=kind)
    pieces: list[Piece] = []
    cursor, skipped, last_ms = place.cursor, place.skipped, place.last_ms
    for row in rows:
        texts = _texts(float(row["at_ms"]), row["payload"])[skipped:]
        taken = texts[: limit - len(pieces)]
        for at_ms, delta in taken:
            pieces.append(_piece(row, place.n + len(pieces) + 1, at_ms, last_ms, delta))
            last_ms = at_ms
        if len(taken) < len(texts):
            return PieceWindow(pieces=tuple(pieces), next_window=_format(cursor, skipped + len(taken), pieces))
        cursor, skipped = str(row["cursor"]), 0
    if len(rows) <= limit:
        return PieceWindow(pieces=tuple(pieces), next_window=None)
    if not pieces:
        # Events whose shape nobody knows: look behind them.
        behind = f"{place.n}~0~{'' if last_ms is None else repr(last_ms)}~{cursor}"
        return read_pieces(reader, project, request_id, window=behind, limit=limit, kind=kind)
    return PieceWindow(pieces=tuple(pieces), next_window=_format(cursor, 0, pieces))


def read_times(reader: Reader, project: str, request_id: str) -> list[float]:
    """When each piece of a call's streams came (Unix ms), in their order, but for those beyond MOST_EVENTS."""
    rows = reader.call_pieces(project, request_id, limit=MOST_EVENTS, times_only=True)
    return list(_times(rows))


def _times(rows: Iterable[Row]) -> Iterable[float]:
    for row in rows:
        if row["payload"] is None:
            yield row["at_ms"]
        else:
            yield from (at_ms for at_ms, _ in _texts(row["at_ms"], row["payload"]))


def _piece(row: Row, n: int, at_ms: float, last_ms: float | None, delta: str) -> Piece:
    choice = _object(row["payload"]).get("choice")
    return Piece(
        n=n,
        at_ms=at_ms,
        gap_ms=None if last_ms is None else at_ms - last_ms,
        kind=str(row["kind"]),
        delta=delta,
        message_id=row["message_id"],
        tool_call_id=row["tool_call_id"],
        choice=choice if isinstance(choice, int) else 0,
    )


def _texts(at_ms: float, payload: object) -> Sequence[tuple[float, str]]:
    """Each piece of an event with its time."""
    fields = _object(payload)
    chunks = fields.get("chunks")
    listed = cast("list[Any]", chunks) if isinstance(chunks, list) else []
    packs = [cast("dict[str, Any]", one) for one in listed if isinstance(one, dict)]
    if packs:
        return [(at_ms + _offset(pack), _text(pack["delta"])) for pack in packs if pack.get("delta") is not None]
    if fields.get("type") == "OutputText":
        # aisbreaker's text is a piece only where it says so.
        content = fields.get("content") if fields.get("isDelta") is True else None
        return () if content is None else ((at_ms, _text(content)),)
    found = next((fields[name] for name in _MEMBERS if fields.get(name) is not None), None)
    return () if found is None else ((at_ms, _text(found)),)


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _offset(pack: dict[str, Any]) -> float:
    value = pack.get("offsetMs")
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > _FARTHEST_OFFSET_MS:
        return 0.0
    return float(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _format(cursor: str | None, skipped: int, pieces: Sequence[Piece]) -> str:
    return f"{pieces[-1].n}~{skipped}~{pieces[-1].at_ms!r}~{cursor or ''}"


def _parse(window: str | None) -> _Place:
    if not window:
        return _Place()
    try:
        n, skipped, last_ms, cursor = window.split("~")
        if max(len(n), len(skipped), len(last_ms)) > 24:
            raise ValueError
        return _Place(cursor=cursor or None, skipped=int(skipped), n=int(n), last_ms=float(last_ms) if last_ms else None)
    except ValueError:
        raise BadRequest("window: not one of ours. Go on from the first page of chunks.") from None
