"""
What a batch says about calls: which ones changed, whether their start or end is in it, and which runs ended badly.

Flow: columns -> **touches** -> storage (the call's first row and its work item).
"""

from collections.abc import Iterable
from typing import Final

from collector.events import CallTouch, EventRow, RunEnd

_OPERATIONS: Final = {
    "text": "chat",
    "structured-output": "chat",
    "embedding": "embeddings",
    "image": "image_generation",
    "speech": "text_to_speech",
    "transcription": "speech_to_text",
    "video": "video_generation",
    "audio": "audio_generation",
    "voice": "voice_generation",
    "world": "world_generation",
    "liveVideo": "live_video_generation",
    "agent": "invoke_agent",
}
_MIDDLE_FAMILIES: Final = frozenset({"tools", "middleware", "compaction", "memory", "skills", "guardrail", "feedback"})
"""They lie inside a call and don't say of which kind it is; most are chats. Assembly corrects it."""
_CALLLESS_FAMILIES: Final = frozenset({"client", "hook", "run", "devtools"})
_RUN_END_TYPES: Final = frozenset({"run:errored", "run:cancelled"})
_TERMINAL_ENDS: Final = (":request:completed", ":request:error", ":request:aborted")


def operation_of(type_name: str) -> str:
    """The operation that an event's family stands for, until assembly has seen the whole call."""
    family = type_name.partition(":")[0]
    return _OPERATIONS.get(family) or ("chat" if family in _MIDDLE_FAMILIES else family)


def call_touches(rows: Iterable[EventRow]) -> tuple[CallTouch, ...]:
    """One touch a call, in the order in which the calls first appear."""
    rows_by_call: dict[str, list[EventRow]] = {}
    for row in rows:
        if row.request_id is not None and row.type.partition(":")[0] not in _CALLLESS_FAMILIES:
            rows_by_call.setdefault(row.request_id, []).append(row)
    return tuple(_touch(request_id, of_call) for request_id, of_call in rows_by_call.items())


def run_ends(rows: Iterable[EventRow]) -> tuple[RunEnd, ...]:
    """The runs that a batch says were cancelled or failed."""
    run_ids = dict.fromkeys(row.run_id for row in rows if row.type in _RUN_END_TYPES and row.run_id is not None)
    return tuple(RunEnd(run_id=run_id) for run_id in run_ids)


def _touch(request_id: str, rows: list[EventRow]) -> CallTouch:
    start = next((row for row in rows if row.type.endswith(":request:started")), None)
    first = start or rows[0]
    return CallTouch(
        request_id=request_id,
        first=first,
        operation=operation_of(first.type),
        has_start=start is not None,
        has_terminal=any(row.type.endswith(_TERMINAL_ENDS) for row in rows),
    )
