"""
What a row of the list shows beside the call's columns.

Flow: a call's row -> **CallRow** -> list/rows.html. Pure, and nothing is read a row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from collector.storage.protocols import Row
from collector.web.ribbon import Ribbon, draw_ribbon
from collector.web.shown import first_line

_FLAGS: Final[Mapping[str, str]] = {
    "tool": "called tools",
    "image": "made images",
    "error": "failed",
    "aborted": "left early",
    "incomplete": "no end came",
    "no usage": "the provider sent no usage",
    "late": "events came after the end",
}
_USES_TOKENS: Final = frozenset({"chat", "embeddings", "generate_content", "text_completion", "image_generation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """A call, ready to be shown."""

    call: Row
    prompt: str
    sender: str
    senders: str
    ribbon: Ribbon | None
    flags: tuple[tuple[str, str, str], ...]
    """Kind, word and explanation."""

    @property
    def is_running(self) -> bool:
        return self.call["status"] == "running"


def call_rows(calls: Iterable[Row]) -> list[CallRow]:
    """The rows of some calls, in their order."""
    return [_row(call) for call in calls]


def _row(call: Row) -> CallRow:
    return CallRow(
        call=call,
        prompt=first_line(call["prompt_preview"]) or first_line(call["answer_preview"]),
        sender=first_line(call["session_id"] or call["client_id"] or call["service"], 40),
        senders=" · ".join(first_line(call[name], 40) for name in ("service", "client_id", "session_id") if call[name]),
        ribbon=draw_ribbon(call.get("ribbon")),
        flags=tuple((name, _word(name, call), _explain(name, call)) for name, is_on in _flags(call) if is_on),
    )


def _flags(call: Mapping[str, Any]) -> list[tuple[str, bool]]:
    is_over_well = call["status"] == "ok"
    return [
        ("error", call["status"] == "error"),
        ("aborted", call["status"] == "aborted"),
        ("incomplete", call["status"] == "incomplete"),
        ("tool", call["tool_count"] > 0),
        ("image", call["image_count"] > 0),
        ("no usage", is_over_well and call["usage_source"] == "missing" and call["operation"] in _USES_TOKENS),
        ("late", bool(call["late"])),
    ]


def _word(name: str, call: Mapping[str, Any]) -> str:
    """An error says which one it is."""
    return first_line(call["error_type"], 20) or name if name == "error" else name


def _explain(name: str, call: Mapping[str, Any]) -> str:
    if name == "error":
        told = ": ".join(str(part) for part in (call["error_type"], call["error_message"]) if part)
        return first_line(told) or _FLAGS[name]
    if name in ("tool", "image"):
        return f"{_FLAGS[name]}: {call[f'{name}_count']}"
    return _FLAGS[name]
