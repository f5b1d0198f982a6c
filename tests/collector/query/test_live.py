"""
Following what is new, against a reader whose rows the test decides.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from collector.errors import BadRequest, RateLimited, StoreUnavailable
from collector.query.live import MAX_FOLLOWERS, PAGE, Follower, LiveHub, Position


@dataclass
class Rows:
    """The two reads that a follower makes."""

    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    calls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    is_away: bool = False

    def events_after(self, project: str, arrival: int, *, limit: int) -> Sequence[dict[str, Any]]:
        return [row for row in self.events if row["arrival"] > arrival][:limit]

    def calls_updated_after(self, project: str, updated_ms: int, *, limit: int) -> Sequence[dict[str, Any]]:
        if self.is_away:
            raise StoreUnavailable("away")
        return sorted((row for row in self.calls if row["updated_ms"] >= updated_ms), key=lambda row: row["updated_ms"])[:limit]


def _follower(rows: Rows, position: str = "0-0") -> Follower:
    return Follower(rows, "p", Position.parse(position))  # pyright: ignore[reportArgumentType]


def _event(arrival: int) -> dict[str, Any]:
    return {"arrival": arrival}


def _call(name: str, updated_ms: int) -> dict[str, Any]:
    return {"request_id": name, "updated_ms": updated_ms}


def test_each_event_comes_once_and_each_change_of_a_call_once() -> None:
    """
    A second look without news gives nothing.
    """
    rows = Rows(events=[_event(1), _event(2)], calls=[_call("a", 10)])
    follower = _follower(rows)

    assert ["event", "event", "call"] == [news.kind for news in follower.read()]
    assert [] == follower.read()
    rows.calls = [_call("a", 10), _call("b", 10), _call("a", 11)]
    assert [("b", 10), ("a", 11)] == [(news.row["request_id"], news.row["updated_ms"]) for news in follower.read()]


def test_a_call_whose_older_stamp_becomes_visible_late_is_not_missed() -> None:
    """
    Another collector may stamp before it commits.
    """
    rows = Rows(calls=[_call("a", 1000)])
    follower = _follower(rows)
    follower.read()
    rows.calls.append(_call("late", 900))

    assert ["late"] == [news.row["request_id"] for news in follower.read()]


def test_more_changes_in_one_millisecond_than_a_page_do_not_stop_it() -> None:
    """
    Every one of them comes, over as many looks as it takes.
    """
    rows = Rows(calls=[_call(f"c{n}", 5) for n in range(3 * PAGE)])
    follower = _follower(rows)
    seen: set[str] = set()
    while news := follower.read():
        seen |= {item.row["request_id"] for item in news}

    assert 3 * PAGE == len(seen)


def test_a_failed_look_moves_nothing() -> None:
    """
    Events that were read when the second read failed come at the next look.
    """
    rows = Rows(events=[_event(1)], is_away=True)
    follower = _follower(rows)
    with pytest.raises(StoreUnavailable):
        follower.read()
    rows.is_away = False

    assert ["event"] == [news.kind for news in follower.read()]


def test_resuming_from_any_message_gives_all_that_came_after_it() -> None:
    """
    The position of each message is enough to go on without a gap.
    """
    rows = Rows(events=[_event(n) for n in range(1, 6)])
    for news in _follower(rows).read():
        rest = _follower(rows, str(news.position)).read()
        assert list(range(news.row["arrival"] + 1, 6)) == [item.row["arrival"] for item in rest]


@pytest.mark.parametrize("text", ["", "7", "a-b", "1-", "-1-2", "1" * 30 + "-1", "1-2-3", "²-²"])
def test_a_foreign_position_is_refused(text: str) -> None:
    """
    A Last-Event-ID that isn't ours is a bad request, not a silent start from anywhere.
    """
    with pytest.raises(BadRequest):
        Position.parse(text)


async def test_waking_reaches_followers_of_that_project_only() -> None:
    """
    From another thread, too.
    """
    hub = LiveHub()
    with hub.follow("a") as mine, hub.follow("b") as other:
        await asyncio.to_thread(hub.wake, ("a",))
        await asyncio.wait_for(mine.wait(60), 60)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(other.wait(60), 0.05)
    assert 0 == hub.followers()


async def test_followers_are_bounded() -> None:
    """
    One more than fits is told so.
    """
    hub = LiveHub()
    watches = [hub.follow("a") for _ in range(MAX_FOLLOWERS)]
    for watch in watches:
        watch.__enter__()
    with pytest.raises(RateLimited):
        hub.require_room()
    watches[0].__exit__(None, None, None)
    hub.require_room()
