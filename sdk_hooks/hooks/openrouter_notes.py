"""
Follow an openrouter stream item by item: openai's notes, and what OpenRouter has besides.

Flow: stream item (caller's thread) -> **notes** -> `call.append`, `call.complete | fail | abort`.
Chunks have a `reasoning`, and an error that comes in the middle is a chunk like any other. An image stream has an error event.
"""

from time import perf_counter_ns
from typing import Any

from sdk_hooks.hooks import openai_notes
from sdk_hooks.hooks.openai_notes import provider_error
from sdk_hooks.hooks.stainless.answers import NOTHING, Answer, get, is_unset


class ChatNotes(openai_notes.ChoiceNotes):
    """Chat chunks."""

    __slots__ = ()

    def item(self, chunk: Any) -> None:
        # The common chunk first, as openai's notes have it: some text of the only choice, and nothing else.
        try:
            told = chunk.__dict__
            (only,) = told["choices"]
            choice = only.__dict__
            delta = choice["delta"].__dict__
            text = delta["content"]
            # In one expression, which ends at the first thing that is there.
            if (
                text
                and choice["finish_reason"] is None
                and delta["tool_calls"] is None
                and told["usage"] is None
                and told["error"] is None
                and not choice["index"]
                and type(delta["reasoning"]) in NOTHING
                and type(text) is str
                and (self._is_known or self._know(chunk))
            ):
                append = self._append
                append(perf_counter_ns())
                append(text)
                return
        except (AttributeError, KeyError, TypeError, ValueError):
            # Of another shape than this SDK's own, or of none or several choices.
            pass
        super().item(chunk)
        self._error = get(chunk, "error") or self._error

    def _thoughts(self, index: int, delta: Any) -> None:
        thought = get(delta, "reasoning")
        # Asked, so that the next chunk finds it in `NOTHING`.
        if not is_unset(thought) and isinstance(thought, str) and thought:
            self._append(perf_counter_ns())
            self._append(("thinking", thought, index, None))
        super()._thoughts(index, delta)

    def ended(self) -> None:
        # An error may come without the finish reason `error`, after another one.
        if self._error is None:
            super().ended()
            return
        name, message = provider_error(self._error)
        self._call.fail(name=name, message=message, response=self._answer())

    def left(self) -> None:
        if self._error is None:
            super().left()
        else:
            self.ended()


class ImageNotes(openai_notes.MediaNotes):
    """Image events."""

    __slots__ = ("_error",)

    def __init__(self, call: Any) -> None:
        super().__init__(call)
        self._error: Any = None

    def item(self, event: Any) -> None:
        if get(event, "type") == "error":
            self._error = event.error
        else:
            super().item(event)

    def ended(self) -> None:
        if self._error is None:
            super().ended()
        else:
            name, message = provider_error(self._error)
            self._call.fail(name=name, message=message, response=Answer(self._fields, self._usage))

    def left(self) -> None:
        # Leaving when the picture is there, or the error, misses nothing.
        if self._error is not None or self._fields:
            self.ended()
        else:
            super().left()
