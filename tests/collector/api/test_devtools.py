"""
The collector as a devtools bus: what pages of this machine write is stored; nobody else writes, and nobody reads.
"""

import asyncio
import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from collector.errors import WrongSettings
from collector.server import ServerThread
from collector.settings import load_settings
from tests.end_to_end.database import query
from tests.fakes.running import Running, eventually, running_collector

PAGE = "http://localhost:5173"
KEY = "operator-key-of-this-test"


def message(number: int, **payload: Any) -> dict[str, Any]:
    body = {"timestamp": 1_764_000_000_000 + number, "clientId": "c", **payload}
    return {"type": "tanstack-ai-devtools:client:created", "payload": body, "pluginId": "tanstack-ai-devtools"}


@pytest.fixture
def bus(sqlite_url: str) -> Iterator[Running]:
    """
    A collector with a key of its own, and a bus that wants none.
    """
    settings = {"devtools_port": 0, "devtools_origins": "https://app.example", "api_key": KEY, "max_event_bytes": 20_000}
    with running_collector(sqlite_url, **settings) as collector:
        yield collector


def rows(url: str) -> list[dict[str, Any]]:
    return [dict(row) for row in query(url, "SELECT event_id, type, timestamp, sequence, service FROM events ORDER BY arrival")]


def page(bus: Running, *, origin: str | None = PAGE, host: str = "localhost", path: str = "/__devtools/ws") -> Any:
    """
    A WebSocket as a page opens it.
    """
    port = bus.server.devtools_port
    address = f"ws://{host}:{port}{path}"
    return connect(address, host="127.0.0.1", port=port, additional_headers={"Origin": origin} if origin else {}, proxy=None)


def ask(bus: Running, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", bus.server.devtools_port or 0, timeout=100)
    try:
        connection.request(method, path, body, {"Origin": PAGE, **headers})
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


async def test_messages_of_pages_become_rows_in_their_order(bus: Running, sqlite_url: str) -> None:
    """
    With an id given on receipt, or the page's own; what is another plugin's or no message at all is left out.
    """
    async with page(bus) as socket:
        for number in range(300):
            await socket.send(json.dumps(message(number)))
        await socket.send("{")
        await socket.send("[" * 5000)
        await socket.send(json.dumps({**message(1), "pluginId": "query-devtools"}))
        await socket.send(json.dumps(message(300, eventId="client:created:1", source="client")))
    found = await asyncio.to_thread(eventually, lambda: stored if len(stored := rows(sqlite_url)) > 300 else None)
    assert [1_764_000_000_000 + number for number in range(301)] == [row["timestamp"] for row in found]
    assert [*range(1, 301), 1] == [row["sequence"] for row in found]
    assert "client:created:1" == found[-1]["event_id"]
    assert 301 == len({row["event_id"] for row in found})
    assert {("client:created", "browser")} == {(row["type"], row["service"]) for row in found}


@pytest.mark.parametrize(
    "origin", ["https://app.example", "http://127.0.0.1:3000", "http://[::1]:80", "http://a.localhost:1", None]
)
async def test_pages_of_this_machine_and_named_ones_may_write(bus: Running, origin: str | None) -> None:
    """
    Dev servers are on any port of loopback; what is no page says no origin.
    """
    async with page(bus, origin=origin) as socket:
        assert isinstance(socket, ClientConnection)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "localhost"),
        ("https://app.example.evil.example", "localhost"),
        ("http://localhost.evil.example", "localhost"),
        ("null", "localhost"),
        ("file://localhost", "localhost"),
        ("chrome-extension://localhost", "localhost"),
        (PAGE, "rebound.example"),
        (None, "rebound.example"),
    ],
)
async def test_pages_of_other_sites_are_refused(bus: Running, origin: str | None, host: str) -> None:
    """
    By their origin, and by the name that they reached the bus under; on every way in.
    """
    with pytest.raises(InvalidStatus) as refused:
        async with page(bus, origin=origin, host=host):
            pass
    assert 403 == refused.value.response.status_code
    headers = {"Host": host} | ({"Origin": origin} if origin else {})
    if origin:
        for method, path in (("POST", "/__devtools/send"), ("OPTIONS", "/__devtools/send"), ("GET", "/__devtools/sse")):
            status, told = await asyncio.to_thread(lambda: ask(bus, method, path, b"{}", **headers))  # noqa: B023
            assert (403, None) == (status, told.get("access-control-allow-origin"))


def test_a_page_without_websockets_posts(bus: Running, sqlite_url: str) -> None:
    """
    After the browser's preflight, and it may read the answer.
    """
    status, headers = ask(bus, "OPTIONS", "/__devtools/send")
    assert (204, PAGE, "content-type") == (
        status,
        headers["access-control-allow-origin"],
        headers["access-control-allow-headers"],
    )
    body = json.dumps(message(7)).encode()
    status, headers = ask(bus, "POST", "/__devtools/send", body, **{"Content-Type": "application/json"})
    assert (200, PAGE) == (status, headers["access-control-allow-origin"])
    assert [1_764_000_000_007] == eventually(lambda: [row["timestamp"] for row in rows(sqlite_url)])
    assert 413 == ask(bus, "POST", "/__devtools/send", b"x" * 20_001)[0]


def test_a_page_may_listen_where_nothing_is_said(bus: Running) -> None:
    """
    The stream opens, and ends with the collector.
    """
    connection = http.client.HTTPConnection("127.0.0.1", bus.server.devtools_port or 0, timeout=100)
    connection.request("GET", "/__devtools/sse", headers={"Origin": PAGE})
    answer = connection.getresponse()
    assert (200, "text/event-stream") == (answer.status, answer.getheader("content-type"))
    assert answer.readline().startswith(b":")
    bus.server.stop()
    assert b"" == answer.read().strip()
    connection.close()


async def test_a_message_over_the_limit_is_left_out_and_the_page_goes_on(bus: Running, sqlite_url: str) -> None:
    """
    TanStack's bus in the page does not come back once it was cut off: all of its later events would be lost.
    """
    async with page(bus) as socket:
        for number, text in ((1, ""), (2, "x" * 2_000_000), (3, "")):
            await socket.send(json.dumps(message(number, text=text)))
        await asyncio.to_thread(eventually, lambda: 2 == len(rows(sqlite_url)))
    assert [1_764_000_000_001, 1_764_000_000_003] == [row["timestamp"] for row in rows(sqlite_url)]


async def test_the_bus_serves_nothing_else_and_the_collector_no_bus(bus: Running) -> None:
    """
    No route of the one is on the other's port, so that nothing is read through a port without a key.
    """
    for path in ("/", "/v1/events", "/v1/calls", "/metrics", "/healthz", "/docs", "/__devtools/ws"):
        assert 404 == (await asyncio.to_thread(ask, bus, "GET", path))[0]
    assert 404 == (await asyncio.to_thread(ask, bus, "POST", "/v1/events", b"[]"))[0]
    with pytest.raises(InvalidStatus):
        async with page(bus, path="/v1/live"):
            pass
    with pytest.raises(InvalidStatus):
        async with connect(bus.url.replace("http", "ws") + "/__devtools/ws", proxy=None):
            pass


async def test_what_was_taken_is_stored_when_the_collector_stops(sqlite_url: str) -> None:
    """
    A page that still writes is told to go away; what it had written is not lost.
    """
    with running_collector(sqlite_url, devtools_port=0) as bus:
        async with page(bus) as socket:
            for number in range(500):
                await socket.send(json.dumps(message(number)))
            # The answer to a ping follows what was sent before it.
            await (await socket.ping())
            await asyncio.to_thread(bus.server.stop)
            with pytest.raises(ConnectionClosed):
                await socket.recv()
    assert 500 == len(rows(sqlite_url))


async def test_a_quiet_page_stays_connected(sqlite_url: str) -> None:
    """
    A connection that stays quiet for longer than a request may take stays open.
    """
    with running_collector(sqlite_url, devtools_port=0, request_timeout_s=1.0) as bus:
        async with page(bus) as socket:
            await asyncio.sleep(1.3)
            await socket.send(json.dumps(message(1)))
            await asyncio.to_thread(eventually, lambda: rows(sqlite_url))


def test_a_taken_port_is_named(bus: Running, tmp_path: Any) -> None:
    """
    A dev server's own bus has it, most likely: the answer says what to do then.
    """
    port = bus.server.devtools_port
    settings = load_settings(database_url=f"sqlite:///{tmp_path / 'other.db'}", port=0, devtools_port=port)
    with pytest.raises(WrongSettings, match=r"HOOKLINE_DEVTOOLS_PORT.*hookline bridge"), ServerThread(settings):
        pass
