"""
How administrative commands reach the database: directly, or through the collector that owns it.

Flow: keys, reassemble, export -> **store, or the running server's admin routes**.
PostgreSQL takes many writers. An SQLite file belongs to one process: where a collector has it, it is asked to do the work.
"""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from collector.cli.client import CollectorClient
from collector.errors import ServerUnreachable, StoreLocked, WrongSettings

if TYPE_CHECKING:
    from collector.settings import Settings
    from collector.storage.protocols import Store

T = TypeVar("T")


def administer(
    directly: "Callable[[Store], T]", through_server: Callable[[CollectorClient], T], *, may_create: bool = False
) -> T:
    """
    What `directly` gives with the store, or `through_server` where a running collector owns the database.

    Who names a collector and no database means that collector's, wherever it is. A database is made only with `may_create`:
    elsewhere an empty one would hide that the wrong one was asked.
    """
    from collector.settings import load_settings

    if os.environ.get("HOOKLINE_URL") and not os.environ.get("HOOKLINE_DATABASE_URL"):
        return through_server(CollectorClient.from_environment())
    settings = load_settings()
    try:
        with _opened(settings, may_create=may_create) as store:
            return directly(store)
    except StoreLocked as locked:
        return through_server(_owner(settings, locked))


@contextmanager
def _opened(settings: "Settings", *, may_create: bool) -> "Generator[Store]":
    """The store, with its schema checked as `serve` does."""
    from collector.settings import without_password
    from collector.storage import schema
    from collector.storage.engines import open_store

    if not may_create and schema.current(settings.database_url) is None:
        raise WrongSettings(
            f"HOOKLINE_DATABASE_URL: there is no hookline database at {without_password(settings.database_url)}. "
            "Set it to the collector's, or HOOKLINE_URL to the address of a running collector."
        )
    schema.prepare(settings.database_url)
    store = open_store(settings.database_url, settle_ms=settings.settle_ms)
    try:
        yield store
    finally:
        store.close()


def _owner(settings: "Settings", locked: StoreLocked) -> CollectorClient:
    from collector.settings import without_password

    client = CollectorClient.from_environment()
    try:
        found = client.get("/v1/status").get("database")
    except ServerUnreachable:
        raise ServerUnreachable(
            f"{locked}; and no collector answers at {client.address} that could do it instead. Set HOOKLINE_URL to its address."
        ) from None
    if found != without_password(settings.database_url):
        raise WrongSettings(
            f"HOOKLINE_URL: the collector at {client.address} does not own {without_password(settings.database_url)}, "
            "or the key in HOOKLINE_API_KEY may not administer it. Give the address and key of the one that does."
        )
    return client
