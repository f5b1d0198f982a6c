"""
Follow an openrouter stream item by item: openai's notes, and what OpenRouter has besides.

Flow: stream item (caller's thread) -> **notes** -> `call.append`, `call.complete | fail | abort`.
Chunks have a `reasoning`, and an error that comes in the middle is a chunk like any other. An image stream has an error event.
"""

from time import perf_counter_ns
from typing import Any

from sdk_hooks.hooks import openai_notes
from sdk_hooks.hooks.openai_notes import provider_error
from sdk_hooks.hooks.stainless.answers import Answer, get


class ChatNotes(openai_notes.ChatNotes):
    """Chat chunks."""

    __slots__ = ()

    def item(self, chunk: Any) -> None:
        # The common chunk first, as openai's notes have it: some text of the only choice, and nothing else.
        choices = chunk.choices
        if self._model is not None and len(choices) == 1 and chunk.usage is None and chunk.error is None:
            choice = choices[0]
            delta = choice.delta
            text = delta.content
            is_plain = choice.finish_reason is None and choice.index == 0 and delta.tool_calls is None
            if text and is_plain and not delta.reasoning:
                self._append(perf_counter_ns())
                self._append(text)
                return
        self.any_item(chunk)
        self._error = get(chunk, "error") or self._error

    def _more(self, index: int, delta: Any) -> None:
        thought = get(delta, "reasoning")
        if isinstance(thought, str) and thought:
            self._append(perf_counter_ns())
            self._append(("thinking", thought, index, None))
        super()._more(index, delta)

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
