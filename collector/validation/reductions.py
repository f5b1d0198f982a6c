"""
Make events small before they become rows; whatever is left out is named in the column `reduced`.

Flow: columns -> **reductions** -> storage.
TanStack AI's chunks repeat the whole text and the whole context each time: 1,000 five-character chunks are 3 MB.
"""

from collections.abc import Mapping
from typing import Any, Final

from collector.events import LEFT_IN_COLUMNS, HookState
from collector.validation.columns import bounded
from collector.validation.decoding import encode

_CHUNK_TEXT_TYPES: Final = frozenset({"text:chunk:content", "text:chunk:thinking"})
CHUNK_CONTEXT: Final = ("systemPrompts", "options", "modelOptions", "toolNames")
CONTEXT: Final = "context"
"""In `reduced`: of these, those that the event had."""
SNAPSHOT_TYPE: Final = "hook:state-snapshot"


def reduce_chunk(event: dict[str, Any], type_name: str) -> list[str]:
    """Cut what a `text:chunk:*` event repeats; the names of what changed."""
    repeated = [name for name in CHUNK_CONTEXT if name in event]
    for name in repeated:
        del event[name]
    # One word for all: a stream has it in thousands of rows.
    reduced = [CONTEXT] if repeated else []
    if is_repeated(type_name, event.get("content"), event.get("delta"), chunks=event.get("chunks"), source=event.get("source")):
        # The length stays: it orders the chunks of one millisecond.
        event["content"] = len(event["content"])
        reduced.append("content")
    return reduced


def leave_in_columns(event: dict[str, Any], columns: Mapping[str, Any]) -> list[str]:
    """
    Take out of a chunk what its row's `columns` hold as well; the names under which storage puts it back (LEFT_IN_COLUMNS).

    All of a name's fields or none: whatever came otherwise than its column has it could not be told apart later.
    """
    reduced = [name for name, fields in LEFT_IN_COLUMNS.items() if _is_in_columns(event, fields, columns)]
    for name in reduced:
        for field, column in LEFT_IN_COLUMNS[name].items():
            if columns[column] is not None:
                del event[field]
    return reduced


def _is_in_columns(event: Mapping[str, Any], fields: Mapping[str, str], columns: Mapping[str, Any]) -> bool:
    for field, column in fields.items():
        held = columns[column]
        # A 1 is no true, and 1.0 is not written as 1.
        if held is not None and (type(event.get(field)) is not type(held) or event[field] != held):
            return False
    return True


def take_state(event: dict[str, Any], type_name: str, *, timestamp: int, sequence: int | None) -> HookState | None:
    """The state of a client hook, taken out of its event; None where there is none to keep apart."""
    hook_id = event.get("hookId")
    if type_name != SNAPSHOT_TYPE or "state" not in event or type(hook_id) is not str or not hook_id:
        return None
    state = encode(event.pop("state"))
    return HookState(hook_id=bounded(hook_id), timestamp=timestamp, sequence=sequence or 0, state=state)


def is_repeated(type_name: str, content: Any, delta: Any, *, chunks: Any, source: Any) -> bool:
    """Whether a chunk's `content` is text that other events hold: beside a delta, or a browser's copy of the server's stream."""
    # Nothing to cut where nothing is: our own packed chunks have an empty content.
    if type_name not in _CHUNK_TEXT_TYPES or type(content) is not str or not content:
        return False
    return type(delta) is str or type(chunks) is list or source == "client"
