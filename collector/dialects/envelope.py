"""
The message of a devtools bus, `{"type", "payload", "pluginId"}` and sometimes `context`, made flat.

Flow: validation -> **envelope** (through a dialect's `flatten`) -> columns.
"""

from collections.abc import Mapping
from typing import Any

_OWN_NAMES = frozenset({"type", "payload", "pluginId", "context"})


def flat(envelope: Mapping[str, Any], type_name: Any) -> dict[str, Any]:
    """
    One object: what lies beside the payload, then the context, then the payload; the later wins.

    A payload that is no object stays under its name, and a `type` of its own that says something else becomes `payloadType`.
    """
    event: dict[str, Any] = {"type": type_name}
    event.update((name, value) for name, value in envelope.items() if name not in _OWN_NAMES)
    for name in ("context", "payload"):
        part = envelope.get(name)
        if type(part) is dict:
            event.update(part)  # pyright: ignore[reportUnknownArgumentType]
        elif part is not None:
            event[name] = part
    if event["type"] not in (type_name, envelope.get("type")):
        event["payloadType"] = event["type"]
    event["type"] = type_name
    return event
