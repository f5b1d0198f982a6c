"""
Follow the typed events of a Responses stream, and the images that are made in it.

Flow: stream event (caller's thread) -> **notes** -> `call.append`, `call.complete | fail | abort`.
"""

from time import perf_counter_ns
from typing import Any

from sdk_hooks.hooks.openai_answers import Image, image_answer, take_image_item, take_response
from sdk_hooks.hooks.openai_notes import provider_error
from sdk_hooks.hooks.openai_requests import IMAGE
from sdk_hooks.hooks.stainless.answers import Answer, get
from sdk_hooks.hooks.stainless.notes import is_interruption
from sdk_hooks.recorder import Call


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
            append = self._append
            append(perf_counter_ns())
            append(("content", event.delta, 0, event.item_id))
            return
        handler = HANDLERS.get(kind)
        if handler is not None:
            handler(self, event)

    def text(self, event: Any) -> None:
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

    def resumed(self) -> None:
        self._call.resume()

    def _close_images(self) -> None:
        for call in self._images.values():
            if call is not None:
                call.abort()

    def _answer(self) -> Answer:
        if self._final is not None:
            return self._final
        return Answer({"responseModel": self._model, "responseId": self._id} if self._id else {}, None)


HANDLERS = {
    "response.created": ResponseNotes.begun,
    "response.output_text.delta": ResponseNotes.text,
    "response.refusal.delta": ResponseNotes.text,
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
