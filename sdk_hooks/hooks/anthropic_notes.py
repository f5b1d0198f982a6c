"""
Follow the events of a streamed message.

Flow: stream event (caller's thread) -> **notes** -> `call.append`, `call.complete | fail | abort`.
Input is counted at the message's start, output at its delta, where it is the whole count so far and not an addition.
"""

import json
from collections.abc import Callable, Mapping
from time import perf_counter_ns
from typing import Any

from sdk_hooks.hooks.stainless.answers import Answer, Event, get, take_usage
from sdk_hooks.hooks.stainless.notes import is_interruption
from sdk_hooks.recorder import Call


class MessageNotes:
    """Events of one message."""

    __slots__ = ("_append", "_call", "_id", "_model", "_reason", "_usage")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._append = call.append
        self._id: str | None = None
        self._model: str | None = None
        self._reason: str | None = None
        self._usage: Event = {}

    def item(self, event: Any) -> None:
        # The common event, written out: this runs for every chunk. The objects' dicts are asked, for pydantic takes 50 ns longer
        # for each attribute.
        try:
            told = event.__dict__
            if told["type"] == "content_block_delta":
                delta = told["delta"].__dict__
                if delta["type"] == "text_delta":
                    text = delta["text"]
                    if type(text) is str:
                        append = self._append
                        append(perf_counter_ns())
                        append(text)
                    return
        except (AttributeError, KeyError):
            # Of another shape than the SDK's own.
            pass
        handler = _HANDLERS.get(event.type)
        if handler is not None:
            handler(self, event)

    def begun(self, event: Any) -> None:
        message = event.message
        self._id = self._call.message_id = message.id
        self._model = message.model
        self._count(message)

    def block_begun(self, event: Any) -> None:
        block = event.content_block
        kind = get(block, "type")
        if kind == "text" and block.text:
            self._append(perf_counter_ns())
            self._append(block.text)
        elif str(kind).endswith("tool_use"):
            self._append(perf_counter_ns())
            # Anthropic itself begins with an empty input, others may send it whole.
            given = get(block, "input")
            arguments = json.dumps(given, ensure_ascii=False) if isinstance(given, dict) and given else ""
            self._append(("tool-call", arguments, 0, None, block.id, block.name, event.index))

    def block_delta(self, event: Any) -> None:
        delta = event.delta
        if delta.type == "thinking_delta":
            self._append(perf_counter_ns())
            self._append(("thinking", delta.thinking, 0, None))
        elif delta.type == "input_json_delta":
            self._append(perf_counter_ns())
            self._append(("tool-call", delta.partial_json, 0, None, None, None, event.index))

    def message_delta(self, event: Any) -> None:
        self._reason = get(event.delta, "stop_reason") or self._reason
        self._count(event)

    def _count(self, counted: Any) -> None:
        found = take_usage(get(counted, "usage")) or {}
        self._usage |= {name: value for name, value in found.items() if value is not None}

    def ended(self) -> None:
        self._call.complete(self._answer())

    def raised(self, error: BaseException) -> None:
        if is_interruption(error):
            self._call.abort(self._answer())
        else:
            self._call.fail(error, response=self._answer())

    def left(self) -> None:
        if self._call.has_ended:
            return
        # After its stop reason nothing is missed of a message.
        if self._reason is not None:
            self.ended()
        else:
            self._call.abort(self._answer())

    def resumed(self) -> None:
        self._call.resume()

    def _answer(self) -> Answer:
        fields: Event = {"responseModel": self._model, "responseId": self._id} if self._id else {}
        if self._reason:
            fields["finishReason"] = self._reason
        return Answer(fields, dict(self._usage) or None)


_HANDLERS: Mapping[str, Callable[[MessageNotes, Any], None]] = {
    "message_start": MessageNotes.begun,
    "content_block_start": MessageNotes.block_begun,
    "content_block_delta": MessageNotes.block_delta,
    "message_delta": MessageNotes.message_delta,
}
