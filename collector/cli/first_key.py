"""
Say it when a new key leaves nobody who could revoke it.

Flow: `hookline keys create` -> **here** -> standard error.
The first key closes an open collector. Where it has no `admin` and the collector no key of its own, the commands that go through
the collector, as all do that concern its SQLite file, are shut out until it is stopped.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from collector.cli.client import CollectorClient
from collector.errors import HooklineError, NotAllowed, NotAuthenticated
from collector.storage.protocols import ApiKey

WARNING: Final = (
    "hookline: no key may administer this collector: while it runs, `hookline keys` can't list or revoke this one. The way out: "
    "stop it, then `hookline keys create NAME` (which has `admin`), or start `hookline serve` with a HOOKLINE_API_KEY of its own."
)


def is_shut_out(client: CollectorClient, made: Mapping[str, Any]) -> bool:
    """Whether who made this key through a collector could do so no more, with this key neither."""
    if "admin" in made["scopes"]:
        return False
    try:
        client.get("/v1/admin/keys")
    except (NotAuthenticated, NotAllowed):
        return True
    except HooklineError:
        # The key is made, and told this once only: nothing may come between.
        return False
    return False


def will_be_shut_out(database_url: str, api_key: str | None, keys: Sequence[ApiKey], *, now_ms: int) -> bool:
    """Whether commands are shut out once a collector runs on this database. PostgreSQL they reach without it."""
    if api_key or not database_url.startswith("sqlite"):
        return False
    live = (key for key in keys if key.revoked_ms is None and (key.expires_ms is None or key.expires_ms > now_ms))
    return not any("admin" in key.scopes for key in live)


def warn() -> None:
    """To standard error: standard output may be read by a program."""
    sys.stderr.write(f"{WARNING}\n")
