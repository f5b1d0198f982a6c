"""
Follow a litellm stream item by item: openai's notes, and where litellm's items differ.

Flow: stream item (caller's thread) -> **notes** -> `call.append`, `call.complete | fail | abort`.
"""

from time import perf_counter_ns
from typing import Any

from sdk_hooks.hooks import openai_notes, openai_response_notes
from sdk_hooks.hooks.openai_response_notes import HANDLERS
from sdk_hooks.hooks.stainless.answers import get, take_usage
from sdk_hooks.hooks.stainless.asked import mapping


class ChatNotes(openai_notes.ChoiceNotes):
    """Chat chunks. Usage comes in a field where the host asked for it, and hidden in the last chunk where not."""

    __slots__ = ()

    def item(self, chunk: Any) -> None:
        super().item(chunk)
        if self._usage is None and any(self._reasons.values()):
            hidden: Any = mapping(get(chunk, "_hidden_params")).get("usage")
            self._usage = take_usage(hidden) if _was_told(hidden) else None

    def _thoughts(self, index: int, delta: Any) -> None:
        thought = get(delta, "reasoning_content")
        if isinstance(thought, str) and thought:
            self._append(perf_counter_ns())
            self._append(("thinking", thought, index, None))
        super()._thoughts(index, delta)


def _was_told(usage: Any) -> bool:
    """litellm's zeros stand for nothing said."""
    return bool(get(usage, "total_tokens"))


class ResponseNotes(openai_response_notes.ResponseNotes):
    """Typed events, whose types are members of an enumeration: equal to their names, but not found by them."""

    __slots__ = ()

    def item(self, event: Any) -> None:
        kind = event.type
        handler = HANDLERS.get(getattr(kind, "value", kind))
        if handler is not None:
            handler(self, event)
