"""
Whose shape an event has: one row a dialect.

Flow: HTTP -> **dialects** -> validation; storage -> **dialects** -> assembly.
"""

from collections.abc import Mapping
from typing import Any, Final

from collector.dialects.aisbreaker import AISBREAKER
from collector.dialects.foreign import UNKNOWN
from collector.dialects.openai_agents import OPENAI_AGENTS
from collector.dialects.openai_responses import OPENAI
from collector.dialects.openrouter import OPENROUTER
from collector.dialects.own import OwnDialect
from collector.dialects.protocol import Dialect, StreamMark
from collector.dialects.tanstack import TanStackDialect

__all__ = ["DIALECTS", "OWN", "Dialect", "StreamMark", "dialect_of"]

OWN: Final = OwnDialect()

DIALECTS: Final[Mapping[str, Dialect]] = {
    "hookline": OWN,
    "tanstack": TanStackDialect(),
    "openai": OPENAI,
    "openrouter": OPENROUTER,
    "openai-agents": OPENAI_AGENTS,
    "aisbreaker": AISBREAKER,
    "unknown": UNKNOWN,
}
"""By the value of the column `dialect`; every stored event's dialect is in it."""

_BY_PLUGIN_ID: Final = {plugin_id: dialect for dialect in DIALECTS.values() for plugin_id in dialect.plugin_ids}


def dialect_of(received: Mapping[str, Any]) -> Dialect:
    """Who wrote this event. An envelope has a `pluginId`, and a payload unless there was nothing to say."""
    plugin_id = received.get("pluginId")
    if type(plugin_id) is not str:
        return OWN
    known = _BY_PLUGIN_ID.get(plugin_id)
    if known is not None:
        return known
    return UNKNOWN if "payload" in received else OWN
