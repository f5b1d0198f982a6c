"""
Follow an openai stream item by item and say at its end what it was.

Flow: stream item (caller's thread) -> **notes** -> `call.append`, `call.complete | fail | abort`.
One kind of notes a stream kind. Nothing of an item is kept but its strings and numbers.
"""

from time import perf_counter_ns
from typing import Any, Protocol

from sdk_hooks.hooks.openai_answers import (
    Answer,
    Event,
    Image,
    finish_fields,
    get,
    image_answer,
    response_finish,
    take_image_item,
    take_response,
    take_usage,
)
from sdk_hooks.hooks.openai_requests import IMAGE
from sdk_hooks.recorder import Call


class Notes(Protocol):
    """What is written down about one stream."""

    def item(self, item: Any) -> None:
        """Once for each item, in the reader's thread."""
        ...

    def ended(self) -> None:
        """The stream was read to its end."""
        ...

    def raised(self, error: BaseException) -> None:
        """Reading it raised."""
        ...

    def left(self) -> None:
        """The host stopped reading. Also called after an end: then it does nothing."""
        ...


def is_interruption(error: BaseException) -> bool:
    """Whether the host stopped (a cancelled task, Ctrl-C) and nothing failed."""
    return not isinstance(error, Exception)


class ChatNotes:
    """Chat completion chunks."""

    __slots__ = ("_append", "_call", "_error", "_id", "_model", "_reasons", "_usage")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._append = call.append
        self._id: str | None = None
        self._model: str | None = None
        self._reasons: dict[int, str | None] = {}
        self._usage: Event | None = None
        self._error: Any = None

    def item(self, chunk: Any) -> None:
        # The common chunk first: some text of the only choice, and nothing else. Here every 100 ns count.
        choices = chunk.choices
        if self._model is not None and len(choices) == 1:
            choice = choices[0]
            delta = choice.delta
            text = delta.content
            if text and choice.finish_reason is None and choice.index == 0 and delta.tool_calls is None:
                self._append(perf_counter_ns())
                self._append(text)
                return
        self.any_item(chunk)

    def any_item(self, chunk: Any) -> None:
        """A chunk of whatever content."""
        if chunk.id and self._id is None:
            self._id = self._call.message_id = chunk.id
        # Azure's first chunk has an empty model.
        self._model = chunk.model or self._model
        usage = get(chunk, "usage")
        if usage is not None:
            self._usage = take_usage(usage)
        for choice in chunk.choices or ():
            index = choice.index
            delta = get(choice, "delta")
            self._text(index, get(choice, "text") if delta is None else get(delta, "content") or get(delta, "refusal"))
            if delta is not None:
                self._more(index, delta)
            self._reasons[index] = choice.finish_reason or self._reasons.get(index)
            self._error = get(choice, "error") or self._error

    def _text(self, index: int, text: str | None) -> None:
        if text:
            self._append(perf_counter_ns())
            self._append(text if index == 0 else ("content", text, index, None))

    def _more(self, index: int, delta: Any) -> None:
        extra: Any = get(delta, "__pydantic_extra__")
        if extra:
            # Not openai's own: DeepSeek and vLLM call it reasoning_content, OpenRouter reasoning.
            thought = extra.get("reasoning_content") or extra.get("reasoning")
            if isinstance(thought, str) and thought:
                self._append(perf_counter_ns())
                self._append(("thinking", thought, index, None))
        for tool in get(delta, "tool_calls") or ():
            function = tool.function
            arguments = (function.arguments if function else None) or ""
            self._append(perf_counter_ns())
            self._append(("tool-call", arguments, index, None, tool.id, function.name if function else None, tool.index))

    def ended(self) -> None:
        if "error" in self._reasons.values():
            name, message = provider_error(self._error)
            self._call.fail(name=name, message=message, response=self._answer())
        else:
            self._call.complete(self._answer())

    def raised(self, error: BaseException) -> None:
        if is_interruption(error):
            self._call.abort(self._answer())
        else:
            self._call.fail(error, response=self._answer())

    def left(self) -> None:
        # Leaving after every choice has finished (before the usage, say) is no abort: nothing was missed of the answer.
        if self._reasons and all(self._reasons.values()):
            self.ended()
        else:
            self._call.abort(self._answer())

    def _answer(self) -> Answer:
        fields: Event = {"responseModel": self._model, "responseId": self._id} if self._model else {}
        return Answer(fields | finish_fields([reason for _, reason in sorted(self._reasons.items())]), self._usage)


class TextCompletionNotes(ChatNotes):
    """Chunks of the older text completions: choices have `text` and no delta."""

    __slots__ = ()

    def item(self, chunk: Any) -> None:
        self.any_item(chunk)


def provider_error(error: Any) -> tuple[str, str]:
    """Name and message of an error that came inside an answer, as an object or as a mapping."""
    code = error.get("code") if isinstance(error, dict) else get(error, "code")
    message = error.get("message") if isinstance(error, dict) else get(error, "message")
    return str(code or "provider_error"), str(message or "the provider ended the answer with an error")


class ResponseNotes:
    """Typed events of a Responses stream. An image in it is a call of its own, from its item's begin to its bytes."""

    __slots__ = ("_append", "_call", "_error", "_final", "_id", "_images", "_model")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._append = call.append
        self._id: str | None = None
        self._model: str | None = None
        self._final: Answer | None = None
        self._error: tuple[str, str] | None = None
        self._images: dict[str, Call | None] = {}

    def item(self, event: Any) -> None:
        kind = event.type
        if kind == "response.output_text.delta":
            self._append(perf_counter_ns())
            self._append(("content", event.delta, 0, event.item_id))
            return
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, event)

    def refusal(self, event: Any) -> None:
        self._append(perf_counter_ns())
        self._append(("content", event.delta, 0, event.item_id))

    def thought(self, event: Any) -> None:
        self._append(perf_counter_ns())
        self._append(("thinking", event.delta, 0, event.item_id))

    def arguments(self, event: Any) -> None:
        self._append(perf_counter_ns())
        self._append(("tool-call", event.delta, 0, None, None, None, event.output_index))

    def begun(self, event: Any) -> None:
        response = event.response
        self._id = self._call.message_id = response.id
        self._model = response.model

    def item_added(self, event: Any) -> None:
        item = event.item
        kind = get(item, "type")
        if kind in ("function_call", "custom_tool_call"):
            self._append(perf_counter_ns())
            self._append(("tool-call", "", 0, None, item.call_id, item.name, event.output_index))
        elif kind == "image_generation_call":
            self._image(item.id)

    def image_event(self, event: Any) -> None:
        self._image(event.item_id)

    def item_done(self, event: Any) -> None:
        if get(event.item, "type") == "image_generation_call":
            self._finish_image(take_image_item(event.item))

    def _image(self, item_id: str) -> "Call | None":
        if item_id not in self._images:
            self._images[item_id] = self._call.child(IMAGE, {}, item_id=item_id, model=self._model)
        return self._images[item_id]

    def _finish_image(self, image: Image) -> None:
        call = self._image(image.item_id)
        if call is not None:
            end_image(call, image)

    def finished(self, event: Any) -> None:
        """response.completed, .incomplete, .failed: the whole document once more."""
        response = event.response
        self._final, images = take_response(response)
        for image in images:
            # Only those whose output_item.done never came are still open here.
            self._finish_image(image)
        if response.status == "failed":
            self._error = provider_error(response.error)
        if not self._final.fields["content"]:
            del self._final.fields["content"]

    def failed(self, event: Any) -> None:
        """An error event: the SDK hands it on like any other."""
        self._error = provider_error(event)

    def ended(self) -> None:
        self._close_images()
        if self._error is not None:
            name, message = self._error
            self._call.fail(name=name, message=message, response=self._answer())
        else:
            self._call.complete(self._answer())

    def raised(self, error: BaseException) -> None:
        self._close_images()
        if is_interruption(error):
            self._call.abort(self._answer())
        else:
            self._call.fail(error, response=self._answer())

    def left(self) -> None:
        if self._final is not None or self._error is not None:
            self.ended()
        else:
            self._close_images()
            self._call.abort(self._answer())

    def _close_images(self) -> None:
        for call in self._images.values():
            if call is not None:
                call.abort()

    def _answer(self) -> Answer:
        if self._final is not None:
            return self._final
        return Answer({"responseModel": self._model, "responseId": self._id} if self._id else {}, None)


_HANDLERS = {
    "response.created": ResponseNotes.begun,
    "response.refusal.delta": ResponseNotes.refusal,
    "response.reasoning_summary_text.delta": ResponseNotes.thought,
    "response.reasoning_text.delta": ResponseNotes.thought,
    "response.function_call_arguments.delta": ResponseNotes.arguments,
    "response.custom_tool_call_input.delta": ResponseNotes.arguments,
    "response.output_item.added": ResponseNotes.item_added,
    "response.output_item.done": ResponseNotes.item_done,
    "response.image_generation_call.in_progress": ResponseNotes.image_event,
    "response.image_generation_call.generating": ResponseNotes.image_event,
    "response.completed": ResponseNotes.finished,
    "response.incomplete": ResponseNotes.finished,
    "response.failed": ResponseNotes.finished,
    "error": ResponseNotes.failed,
}


def end_image(call: Call, image: Image) -> None:
    """End the call of an image that a response made."""
    if image.status == "failed":
        call.fail(name="image_generation_failed", message="", response=image_answer(image))
    else:
        call.complete(image_answer(image))


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


__all__ = ["ChatNotes", "MediaNotes", "Notes", "ResponseNotes", "TextCompletionNotes", "end_image", "response_finish"]
