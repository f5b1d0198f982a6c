"""
Follow an openai stream item by item and say at its end what it was.

Flow: stream item (caller's thread) -> **notes** -> `call.append`, `call.complete | fail | abort`.
One kind of notes a stream kind; those of Responses are in `openai_response_notes`. Nothing of an item is kept but its strings
and numbers.
"""

import sys
from collections.abc import AsyncIterator, Iterator
from time import perf_counter_ns
from typing import Any, cast

from sdk_hooks.hooks.openai_answers import finish_fields
from sdk_hooks.hooks.openai_parts import has_no_thoughts, parts_of, thought_in
from sdk_hooks.hooks.stainless.answers import Answer, Event, get, take_usage
from sdk_hooks.hooks.stainless.loops import IsEnding, ended, left, raised, report, resumed
from sdk_hooks.hooks.stainless.notes import is_interruption
from sdk_hooks.recorder import Call


class ChoiceNotes:
    """Chunks that have choices: of chats, of the older text completions, of others who speak this language."""

    __slots__ = ("_append", "_call", "_error", "_id", "_is_known", "_last", "_model", "_reasons", "_usage")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._append = call.append
        self._is_known = False
        """Whether the model that answers has been told."""
        self._id: str | None = None
        self._model: str | None = None
        self._reasons: dict[int, str | None] = {}
        self._usage: Event | None = None
        self._error: Any = None
        self._last: Any = None
        """The last chunk of which only the text was read."""

    def item(self, chunk: Any) -> None:
        """A chunk of whatever content."""
        self._look_back()
        self._know(chunk)
        usage = get(chunk, "usage")
        if usage is not None:
            self._usage = take_usage(usage)
        for choice in chunk.choices or ():
            # Some that speak this language give none.
            index = choice.index or 0
            delta = get(choice, "delta")
            if delta is not None:
                # Where both are in one piece, it is the end of the one and the beginning of the other.
                self._thoughts(index, delta)
            text = get(choice, "text") if delta is None else get(delta, "content") or get(delta, "refusal")
            if text is not None and not isinstance(text, str):
                text, thought = parts_of(text)
                if thought:
                    self._append(perf_counter_ns())
                    self._append(("thinking", thought, index, None))
            if text:
                self._append(perf_counter_ns())
                self._append(text if index == 0 else ("content", text, index, None))
            if delta is not None:
                self._tools(index, delta)
            self._finish(index, choice)

    def _finish(self, index: int, choice: Any) -> None:
        self._reasons[index] = get(choice, "finish_reason") or self._reasons.get(index)
        self._error = get(choice, "error") or self._error

    def _look_back(self) -> None:
        """What `_last`, if there is one, said besides."""
        chunk, self._last = self._last, None
        if chunk is None:
            return
        usage = get(chunk, "usage")
        if usage is not None:
            self._usage = take_usage(usage)
        for choice in chunk.choices:
            self._finish(0, choice)

    def _know(self, chunk: Any) -> bool:
        """Who answers, and with which answer. Whether the model is known now."""
        if self._id is None and chunk.id:
            self._id = self._call.message_id = chunk.id
        model = chunk.model
        if model and model != self._model:
            # Azure's first chunk has an empty one.
            self._model = model
            self._is_known = True
        return self._is_known

    def _thoughts(self, index: int, delta: Any) -> None:
        extra = getattr(delta, "__pydantic_extra__", None)
        thought = thought_in(extra) if extra else ""
        if thought:
            self._append(perf_counter_ns())
            self._append(("thinking", thought, index, None))

    def _tools(self, index: int, delta: Any) -> None:
        for tool in get(delta, "tool_calls") or ():
            function = tool.function
            arguments = (function.arguments if function else None) or ""
            self._append(perf_counter_ns())
            self._append(("tool-call", arguments, index, None, tool.id, function.name if function else None, tool.index))

    def ended(self) -> None:
        self._look_back()
        if "error" in self._reasons.values():
            name, message = provider_error(self._error)
            self._call.fail(name=name, message=message, response=self._answer())
        else:
            self._call.complete(self._answer())

    def raised(self, error: BaseException) -> None:
        self._look_back()
        if is_interruption(error):
            self._call.abort(self._answer())
        else:
            self._call.fail(error, response=self._answer())

    def left(self) -> None:
        if self._call.has_ended:
            return
        self._look_back()
        # Leaving after every choice has finished (before the usage, say) is no abort: nothing was missed of the answer.
        if self._reasons and all(self._reasons.values()):
            self.ended()
        else:
            self._call.abort(self._answer())

    def resumed(self) -> None:
        self._call.resume()

    def _answer(self) -> "Followed":
        return Followed((self._model, self._id, self._reasons.copy(), self._usage))


class Followed(tuple[str | None, str | None, dict[int, str | None], Event | None]):
    """What a stream said beside its pieces: model, id, finish reasons by choice, usage. Read in the emitter's thread."""

    __slots__ = ()

    def answer(self) -> Answer:
        model, response_id, reasons, usage = self
        fields: Event = {"responseModel": model, "responseId": response_id} if model else {}
        return Answer(fields | finish_fields([reason for _, reason in sorted(reasons.items())]), usage)


class ChatNotes(ChoiceNotes):
    """
    Chat completion chunks.

    Its loops do what those of `loops` do, with the reading of the common chunk written out: some text of the only choice, and
    nothing else. It is asked as the host asks it, by attributes, each of which costs as much as the rest of a line: so what only
    the last such chunk can say (why the choice has finished, the usage) is left to whatever comes after it. ADR 37.
    """

    __slots__ = ()

    def item(self, chunk: Any) -> None:
        # For hosts that step, or whose loop is another one.
        try:
            (only,) = chunk.choices
            delta = only.delta
            text = delta.content
            # In one expression, which ends at the first thing that is there.
            if (
                text
                and not only.index
                and delta.tool_calls is None
                and (not delta.__pydantic_extra__ or has_no_thoughts(delta.__pydantic_extra__))
                and type(text) is str
                and (self._is_known or self._know(chunk))
            ):
                append = self._append
                append(perf_counter_ns())
                append(text)
                self._last = chunk
                return
        except (AttributeError, TypeError, ValueError):
            # Of another shape than the SDK's own, or of none or several choices.
            pass
        super().item(chunk)

    def loop(self, items: Iterator[Any], stream: Any, is_ending: IsEnding = sys.is_finalizing) -> Iterator[Any]:
        """As `loops.observe`."""
        resumed(self)
        append, slowly, is_known = self._append, self._slowly, self._is_known
        try:
            for chunk in items:
                try:
                    (only,) = chunk.choices
                    delta = only.delta
                    text = delta.content
                    # In one expression, which ends at the first thing that is there.
                    if (
                        text
                        and not only.index
                        and delta.tool_calls is None
                        and (not delta.__pydantic_extra__ or has_no_thoughts(delta.__pydantic_extra__))
                        and type(text) is str
                        and (is_known or (is_known := self._know(chunk)))
                    ):
                        append(perf_counter_ns())
                        append(text)
                        self._last = chunk
                    else:
                        slowly(chunk)
                except Exception:
                    slowly(chunk)
                yield chunk
        except GeneratorExit:
            if not is_ending():
                left(self)
            raise
        except BaseException as error:
            raised(self, error)
            raise
        ended(self)

    async def loop_async(
        self, items: AsyncIterator[Any], stream: Any, is_ending: IsEnding = sys.is_finalizing
    ) -> AsyncIterator[Any]:
        """As `loops.observe_async`; a body can't be shared by `for` and `async for`, nor by a call without its cost."""
        resumed(self)
        append, slowly, is_known = self._append, self._slowly, self._is_known
        try:
            async for chunk in items:
                try:
                    (only,) = chunk.choices
                    delta = only.delta
                    text = delta.content
                    if (
                        text
                        and not only.index
                        and delta.tool_calls is None
                        and (not delta.__pydantic_extra__ or has_no_thoughts(delta.__pydantic_extra__))
                        and type(text) is str
                        and (is_known or (is_known := self._know(chunk)))
                    ):
                        append(perf_counter_ns())
                        append(text)
                        self._last = chunk
                    else:
                        slowly(chunk)
                except Exception:
                    slowly(chunk)
                yield chunk
        except GeneratorExit:
            if not is_ending():
                left(self)
            raise
        except BaseException as error:
            raised(self, error)
            raise
        ended(self)

    def _slowly(self, chunk: Any) -> None:
        """Any chunk."""
        try:
            super().item(chunk)
        except Exception:
            report("chunk")


def provider_error(error: Any) -> tuple[str, str]:
    """Name and message of an error that came inside an answer, as an object or as a mapping."""
    told: Event = (
        cast("Event", error) if isinstance(error, dict) else {"code": get(error, "code"), "message": get(error, "message")}
    )
    code, message = told.get("code"), told.get("message")
    return str(code or "provider_error"), str(message or "the provider ended the answer with an error")


class MediaNotes:
    """Streams whose last event has everything: images, transcriptions. Others are followed to their end only."""

    __slots__ = ("_call", "_fields", "_usage")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._fields: Event = {}
        self._usage: Event | None = None

    def item(self, event: Any) -> None:
        kind = str(get(event, "type"))
        if kind.startswith("image_") and kind.endswith(".completed"):
            self._fields = {"images": [*self._fields.get("images", ()), {"b64Json": event.b64_json}]}
        elif kind == "transcript.text.delta":
            self._fields["text"] = self._fields.get("text", "") + event.delta
        elif kind == "transcript.text.done":
            self._fields["text"] = event.text
        self._usage = take_usage(get(event, "usage")) or self._usage

    def ended(self) -> None:
        self._call.complete(Answer(self._fields, self._usage))

    def raised(self, error: BaseException) -> None:
        if is_interruption(error):
            self.left()
        else:
            self._call.fail(error, response=Answer(self._fields, self._usage))

    def left(self) -> None:
        self._call.abort(Answer(self._fields, self._usage))

    def resumed(self) -> None:
        self._call.resume()
