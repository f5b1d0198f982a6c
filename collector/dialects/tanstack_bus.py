"""
What comes over a TanStack devtools bus, made ready to be stored: other plugins' messages left out, an id where there is none.

Flow: a bus -> **tanstack_bus** -> `hookline bridge` | api.devtools -> validation.
The bus itself knows no ids and never repeats a message, so the first of ours that hears one names it. Browsers name theirs
themselves; a name that exists is kept, and whoever hears the message twice stores it once.
"""

import json
import os
from dataclasses import dataclass, field
from typing import Any, Final, cast

from collector.dialects.tanstack import PLUGIN_ID

PATH: Final = "/__devtools/ws"
DEFAULT_PORT: Final = 4206
FRAME_MAX_BYTES: Final = 64 * 1024 * 1024
"""Images travel inside of messages; WebSocket libraries stop at 1 or 16 MiB."""
SDK_NAME: Final = "tanstack-devtools"
"""As `telemetry.sdk.name`. Not one of `hookline-*`: usage of media follows the end of its call, so these calls have to settle."""


@dataclass(slots=True, kw_only=True)
class BusCounts:
    """What came in so far."""

    received: int = 0
    other_plugins: int = 0
    unreadable: int = 0


@dataclass(slots=True)
class BusReader:
    """Reads the messages of one bus in their order. `prefix` is this reader's own: `new_prefix`."""

    prefix: str
    counts: BusCounts = field(default_factory=BusCounts)
    _sequence: int = 0

    def read(self, message: str | bytes) -> bytes | None:
        """The message as JSON to send on; None for what is not TanStack AI's."""
        try:
            found: Any = json.loads(message)
        # RecursionError: nested deeper than anything that is stored.
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            self.counts.unreadable += 1
            return None
        envelope = cast("dict[str, Any]", found)
        if envelope.get("pluginId") != PLUGIN_ID:
            self.counts.other_plugins += 1
            return None
        self.counts.received += 1
        # Lone surrogates are legal JSON and no UTF-8: escaped, they arrive as they were sent.
        return json.dumps(self._named(envelope), separators=(",", ":")).encode()

    def _named(self, envelope: dict[str, Any]) -> dict[str, Any]:
        """Beside the payload, which stays as it was sent."""
        payload, context = (_object(envelope.get(name)) for name in ("payload", "context"))
        if payload.get("eventId") or context.get("eventId"):
            return envelope
        self._sequence += 1
        name = {"eventId": f"{self.prefix}-{self._sequence}", "sequence": self._sequence}
        return {**envelope, "context": {**context, **name}}


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def new_prefix(now_ms: int) -> str:
    """Begins with its time, so that ids sort; no two readers share one."""
    return f"{now_ms:012x}{os.urandom(6).hex()}"
