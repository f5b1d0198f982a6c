"""
The event catalogue: type name -> TypedDict.

Flow: senders -> **these shapes** -> collector (validation), JSON Schema, reference page.
Not imported by `import sdk_hooks`, nor by recording: the recorder builds plain dicts.
"""

from collections.abc import Mapping

from sdk_hooks.events.client import CLIENT_EVENTS
from sdk_hooks.events.embedding import EMBEDDING_EVENTS
from sdk_hooks.events.media import MEDIA_EVENTS
from sdk_hooks.events.middleware import MIDDLEWARE_EVENTS
from sdk_hooks.events.ours import ACTIVITIES, OUR_EVENTS
from sdk_hooks.events.state import STATE_EVENTS
from sdk_hooks.events.text import TEXT_EVENTS
from sdk_hooks.events.tools import TOOLS_EVENTS
from sdk_hooks.events.video import VIDEO_EVENTS

FAMILIES: Mapping[str, Mapping[str, type]] = {
    "text": TEXT_EVENTS,
    "tools": TOOLS_EVENTS,
    "middleware": MIDDLEWARE_EVENTS,
    "embedding, summarize, rerank, evaluate": EMBEDDING_EVENTS,
    "media": MEDIA_EVENTS,
    "video": VIDEO_EVENTS,
    "client": CLIENT_EVENTS,
    "state": STATE_EVENTS,
}
"""The 102 types of the catalogue."""

EVENT_TYPES: Mapping[str, type] = {
    **OUR_EVENTS,
    # Where the catalogue knows a type too, such as embedding:request:error, its own shape holds.
    **{name: shape for family in FAMILIES.values() for name, shape in family.items()},
}

__all__ = ["ACTIVITIES", "EVENT_TYPES", "FAMILIES"]
