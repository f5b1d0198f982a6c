"""
Which of openai's paths is what kind of call, and how its whole answer ends the call.

Flow: `client.request` -> **endpoint** -> recorder.
One row a path. What has no row is not recorded: files, models, batches and the like are no calls of a model.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from sdk_hooks.hooks import openai_answers as answers
from sdk_hooks.hooks import openai_requests as requests
from sdk_hooks.hooks.openai_notes import (
    ChatNotes,
    ChoiceNotes,
    MediaNotes,
    provider_error,
)
from sdk_hooks.hooks.openai_response_notes import ResponseNotes, end_image
from sdk_hooks.hooks.stainless.answers import Answer
from sdk_hooks.hooks.stainless.asked import mapping
from sdk_hooks.hooks.stainless.endpoints import Endpoint
from sdk_hooks.recorder import Call, Shape


def end_chat(call: Call, completion: Any) -> None:
    plain = answers.plain_chat(completion)
    if plain is not None:
        call.complete(plain)
        return
    finish_chat(call, answers.take_chat(completion), completion)


def finish_chat(call: Call, answer: Answer, completion: Any) -> None:
    """A chat has finished; with the reason `error`, or with an error where its choices should be, it has failed."""
    has_failed = answers.has_failed(answer.fields)
    if has_failed or not completion.choices:
        told = [answers.get(one, "error") for one in completion.choices or (completion,)]
        error: Any = next((error for error in told if error), None)
        if has_failed or error:
            name, message = provider_error(error)
            call.fail(name=name, message=message, response=answer)
            return
    call.complete(answer)


def chat_failure(content: bytes) -> tuple[str, str] | None:
    """The error where the choices should be, of a whole raw answer. One without choices is short: it may be parsed."""
    if b'"choices"' in content or b'"error"' not in content:
        return None
    try:
        whole: Any = json.loads(content)
    except ValueError:
        return None
    error = mapping(whole).get("error")
    return provider_error(error) if error else None


def end_response(call: Call, response: Any) -> None:
    plain = answers.plain_response(response)
    if plain is not None:
        call.complete(plain)
        return
    answer, images = answers.take_response(response)
    for image in images:
        # When it was begun is not known: it took the response's whole time at most.
        made = call.child(
            requests.IMAGE, {}, item_id=image.item_id, model=answer.fields["responseModel"], started_ns=call.start_ns
        )
        if made is not None:
            end_image(made, image)
    status = answers.get(response, "status")
    if status == "failed":
        name, message = provider_error(answers.get(response, "error"))
        call.fail(name=name, message=message, response=answer)
    elif status == "cancelled":
        call.abort(answer)
    else:
        call.complete(answer)


def _ending(take: Callable[[Any], Answer]) -> Callable[[Call, Any], None]:
    def end(call: Call, result: Any) -> None:
        call.complete(take(result))

    return end


CHAT = Shape("text", requests.started_chat, answers.completed)
RESPONSE = Shape("text", requests.started_response, answers.completed)
EMBEDDING = Shape("embedding", requests.started_embedding, answers.completed)
SPEECH = Shape("speech", requests.started_speech, answers.completed_speech)
TRANSCRIPTION = Shape("transcription", requests.started_transcription, answers.completed)
MODERATION = Shape("moderation", requests.started_moderation, answers.completed)

_image = Endpoint(requests.IMAGE, _ending(answers.take_images), MediaNotes)
_transcription = Endpoint(TRANSCRIPTION, _ending(answers.take_transcription), MediaNotes, answers.transcription_answer)

ENDPOINTS: Mapping[str, Endpoint] = {
    "/chat/completions": Endpoint(CHAT, end_chat, ChatNotes, failure=chat_failure),
    "/completions": Endpoint(CHAT, end_chat, ChoiceNotes),
    "/responses": Endpoint(RESPONSE, end_response, ResponseNotes),
    "/embeddings": Endpoint(EMBEDDING, _ending(answers.take_embeddings), MediaNotes),
    "/images/generations": _image,
    "/images/edits": _image,
    "/images/variations": _image,
    "/audio/speech": Endpoint(SPEECH, _ending(answers.take_speech), MediaNotes, answers.speech_answer),
    "/audio/transcriptions": _transcription,
    "/audio/translations": _transcription,
    "/moderations": Endpoint(MODERATION, _ending(answers.take_moderation), MediaNotes),
}
