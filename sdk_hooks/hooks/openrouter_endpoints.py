"""
Which methods of openrouter's resources are what kind of call, and how requests and answers read that openai has not.

Flow: a resource's method -> **endpoint** -> recorder.
One row a resource. What has no row is not recorded: keys, models, files and the like are no calls of a model.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sdk_hooks.hooks import openai_answers as answers
from sdk_hooks.hooks import openai_requests as requests
from sdk_hooks.hooks.openai_endpoints import EMBEDDING, RESPONSE, end_response
from sdk_hooks.hooks.openai_notes import MediaNotes, provider_error
from sdk_hooks.hooks.openai_response_notes import ResponseNotes
from sdk_hooks.hooks.openrouter_notes import ChatNotes, ImageNotes
from sdk_hooks.hooks.stainless.answers import Answer, Event, get, take_usage
from sdk_hooks.hooks.stainless.asked import items, mapping, options, renamed
from sdk_hooks.hooks.stainless.endpoints import Endpoint
from sdk_hooks.recorder import Call, Shape


def _started_chat(request: Any) -> Event:
    fields = requests.started_chat(request)
    if isinstance(mapping(request).get("messages"), str):
        # An iterator of the host's: what it will give is not known.
        del fields["messages"], fields["messageCount"]
    return fields


MORE = ("reasoning", "images")
"""What a message may have beside its text."""


def _end_chat(call: Call, completion: Any) -> None:
    plain = answers.plain_chat(completion, MORE)
    if plain is not None:
        call.complete(plain)
        return
    answer = answers.take_chat(completion)
    choices = completion.choices
    message = get(choices[0], "message") if choices else None
    thought = get(message, "reasoning")
    if isinstance(thought, str) and thought:
        answer.fields["reasoning"] = thought
    images = [image.image_url.url for image in get(message, "images") or ()]
    if images:
        answer.fields["images"] = [{"url": url} for url in images]
    if answers.has_failed(answer.fields):
        name, message_text = provider_error(None)
        call.fail(name=name, message=message_text, response=answer)
    else:
        call.complete(answer)


def _started_speech(request: Any) -> Event:
    asked = mapping(request)
    fields = requests.started_speech(asked)
    if not isinstance(asked.get("input"), str):
        fields["text"] = " ".join(str(mapping(turn).get("text") or "") for turn in items(asked.get("input")))
    return fields


def _started_rerank(request: Any) -> Event:
    asked = mapping(request)
    fields: Event = {"query": str(asked.get("query") or "")}
    if isinstance(asked.get("documents"), list):
        fields["documentCount"] = len(asked["documents"])
    return fields | options(asked, ("model", "query", "documents"))


def _take_rerank(response: Any) -> Answer:
    fields: Event = {"responseModel": response.model, "responseId": response.id, "resultCount": len(response.results)}
    return Answer({name: value for name, value in fields.items() if value is not None}, take_usage(response.usage))


VIDEO_STATUS = {"in_progress": "processing"}


def _started_video(request: Any) -> Event:
    asked = mapping(request)
    if "job_id" in asked:
        return {"requestType": "status", "jobId": asked["job_id"]}
    named = renamed(asked, {"prompt": "prompt", "resolution": "size", "duration": "duration"})
    return {"requestType": "create"} | named | options(asked, ("model", "prompt", "resolution", "duration"))


def _end_video(call: Call, job: Any) -> None:
    fields: Event = {"jobId": job.id, "status": VIDEO_STATUS.get(job.status, str(job.status))}
    urls = get(job, "unsigned_urls") or get(job, "urls")
    if urls:
        fields["url"] = urls[0]
    answer = Answer(fields, take_usage(get(job, "usage")))
    if job.status == "failed":
        call.fail(name="video_generation_failed", message=get(job, "error") or "", response=answer)
    else:
        call.complete(answer)


def _ending(take: Callable[[Any], Answer]) -> Callable[[Call, Any], None]:
    def end(call: Call, result: Any) -> None:
        call.complete(take(result))

    return end


_chat = Shape("text", _started_chat, answers.completed)
_rerank = Shape("rerank", _started_rerank, answers.completed)
_video = Endpoint(Shape("video", _started_video, answers.completed), _end_video, MediaNotes)
_speech = Shape("speech", _started_speech, answers.completed_speech)
_transcription = Endpoint(
    Shape("transcription", requests.started_transcription, answers.completed), _ending(answers.take_transcription), MediaNotes
)

RESOURCES: Mapping[str, Mapping[str, Endpoint]] = {
    "chat": {"send": Endpoint(_chat, _end_chat, ChatNotes)},
    "responses": {"send": Endpoint(RESPONSE, end_response, ResponseNotes)},
    "images": {"generate": Endpoint(requests.IMAGE, _ending(answers.take_images), ImageNotes)},
    "embeddings": {"generate": Endpoint(EMBEDDING, _ending(answers.take_embeddings), MediaNotes)},
    "tts": {"create_speech": Endpoint(_speech, _ending(answers.take_speech), MediaNotes, answers.speech_answer)},
    "stt": {"create_transcription": _transcription, "create_transcription_multipart": _transcription},
    "rerank": {"rerank": Endpoint(_rerank, _ending(_take_rerank), MediaNotes)},
    "video_generation": {"generate": _video, "get_generation": _video},
}
"""Resource -> method -> endpoint. Each method has a twin whose name ends in `_async`."""
