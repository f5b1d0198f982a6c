"""
How the server takes its port: known to be free before anything is started, and closed to senders until it serves.
"""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from collector.binding import bind
from collector.errors import WrongSettings
from collector.server import ServerThread
from collector.settings import Settings


def settings(port: int, **more: object) -> Settings:
    return Settings(host="127.0.0.1", port=port, **more)  # pyright: ignore[reportArgumentType]


def test_senders_are_refused_until_it_serves() -> None:
    """
    A POST that hung while a collector comes up would keep a client from writing to its spool.
    """
    with bind(settings(0)) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_port_that_somebody_listens_on_is_told() -> None:
    """
    Before anything else is started.
    """
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(WrongSettings, match="HOOKLINE_PORT"):
        bind(settings(other.getsockname()[1]))


def test_of_two_that_start_at_once_the_second_is_told(sqlite_url: str) -> None:
    """
    Both may bind while neither listens; who comes to listen second ends with the same words.
    """
    with bind(settings(0)) as other:
        port = other.getsockname()[1]
        other.listen()
        with pytest.raises(WrongSettings, match="HOOKLINE_PORT"), ServerThread(settings(port, database_url=sqlite_url)):
            pass


def test_a_collector_on_sqlite_loads_no_other_driver(tmp_path: Path) -> None:
    """
    Not when it is put together, and not when it assembles: psycopg takes a tenth of its memory.
    """
    code = (
        "import sys\n"
        "from collector.app import build_collector\n"
        "from collector.settings import load_settings\n"
        f"collector = build_collector(load_settings(database_url='sqlite:///{tmp_path / 'a.db'}'))\n"
        "collector.pipeline.run_once()\n"
        "collector.store.load_calls([], now_ms=0)\n"
        "collector.store.close()\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in ('psycopg', 'psycopg_binary', 'grpc')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "[]" == done.stdout.splitlines()[-1]
