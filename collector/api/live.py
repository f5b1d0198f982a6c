"""
GET /v1/live: server-sent events of what is new.

Flow: storage -> query.live -> **here** -> whoever follows: `hookline tail`, the page.
Each message: `event: event` with an event's row or `event: call` with a call's row, and an `id` to resume from.
Who follows is looked at again before anything is handed out: a stream ends with the key or the login that opened it.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Literal

import anyio.to_thread
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from collector.api.access import Identity
from collector.api.asked import Reading, to_json
from collector.api.schemas import answers
from collector.errors import NotAllowed, NotAuthenticated, StoreError
from collector.query.live import Follower, LiveHub, News, start_position

router = APIRouter(prefix="/v1", tags=["read"])

HEARTBEAT_S = 10.0
# Without a bell at most so late: another collector on the same PostgreSQL can't ring ours.
LOOK_ANYWAY_S = 1.0
# Many commits a second are one look.
SETTLE_S = 0.02


@router.get("/live", responses=answers(None, 429), summary="What is new, as server-sent events", response_class=StreamingResponse)
async def follow(
    request: Request,
    asked: Reading,
    only: Annotated[Literal["calls"] | None, Query(description="`calls` leaves the events out.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> StreamingResponse:
    """New events and changed calls from now on, or from the `Last-Event-ID` on, without a gap."""
    parts = asked.parts
    position = await anyio.to_thread.run_sync(
        lambda: start_position(parts.store, asked.project, last_event_id=last_event_id, now_ms=parts.now_ms())
    )
    # Asked for here and not in the stream, so that "too many" can still be a proper answer.
    parts.hub.require_room()
    follower = Follower(parts.store, asked.project, position, only_calls=only == "calls")
    identify = parts.access.identify_repeatedly(request.scope["headers"])
    return StreamingResponse(
        _messages(follower, parts.hub, asked.project, identify),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _messages(
    follower: Follower, hub: LiveHub, project: str, identify: Callable[[], Awaitable[Identity]]
) -> AsyncIterator[bytes]:
    quiet_since_s = time.monotonic()
    news: list[News] = []
    with hub.follow(project) as bell:
        yield b"retry: 1000\n: connected\n\n"
        while not hub.is_closed:
            # What was read before nobody could tell whether it may be shown is not read again.
            news = news or await _read(follower)
            # After reading: what came later than the end of a key is never read with what was known before.
            may_read = await _may_read(identify, project)
            if may_read is False:
                return
            if news and may_read:
                yield b"".join(_message(item) for item in news)
                news, quiet_since_s = [], time.monotonic()
                continue
            if time.monotonic() - quiet_since_s >= HEARTBEAT_S:
                yield b": still here\n\n"
                quiet_since_s = time.monotonic()
            await bell.wait(LOOK_ANYWAY_S)
            await anyio.sleep(SETTLE_S)


async def _may_read(identify: Callable[[], Awaitable[Identity]], project: str) -> bool | None:
    """None while the database is away that would know."""
    try:
        identity = await identify()
    except (NotAuthenticated, NotAllowed):
        return False
    except StoreError:
        return None
    return identity.project == project and "read" in identity.scopes


async def _read(follower: Follower) -> list[News]:
    try:
        return await anyio.to_thread.run_sync(follower.read)
    except StoreError:
        # The stream outlives a database that is away for a while; the position is kept.
        return []


def _message(news: News) -> bytes:
    return b"event: %b\nid: %b\ndata: %b\n\n" % (news.kind.encode(), str(news.position).encode(), to_json(news.row))
