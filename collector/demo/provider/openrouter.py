"""
OpenRouter's dialect of the same endpoints: prices in the usage, reasoning, errors with numbers, images, rankings and videos.

Flow: Ask -> **openrouter** -> Reply.
Pure. Its client checks every frame: what is missing or of another type is an exception there.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from collector.demo.provider.answers import count_tokens, draw_png
from collector.demo.provider.chat import CREATED, answer_chat
from collector.demo.provider.media import answer_embedding, answer_speech
from collector.demo.provider.responses import answer_response
from collector.demo.provider.wire import Ask, Frames, Json, Reply, strip_markers, words_of

Event = dict[str, Any]

BROKEN = "the stream broke"
THOUGHT = "First I think about what was asked."
PRICE_PER_TOKEN_USD = 0.000_001


def with_price(usage: Event) -> Event:
    """The provider's own price, and what it is made of."""
    prompt = usage.get("prompt_tokens", usage.get("input_tokens", 0)) * PRICE_PER_TOKEN_USD
    answer = usage.get("completion_tokens", usage.get("output_tokens", 0)) * 2 * PRICE_PER_TOKEN_USD
    names = ("prompt", "completions") if "prompt_tokens" in usage else ("input", "output")
    details = {f"upstream_inference_{name}_cost": cost for name, cost in zip(names, (prompt, answer), strict=True)}
    return usage | {"cost": prompt + answer, "is_byok": False, "cost_details": details | {"upstream_inference_cost": None}}


def _answer_chat(ask: Ask) -> Reply:
    # A stream ends with its usage whether it was asked for or not.
    reply = answer_chat(replace(ask, body={**ask.body, "stream_options": {"include_usage": True}}))
    if isinstance(reply, Frames):
        return Frames(frames=_chunks(ask, reply), named=False, error=_error_chunk(ask, 502, BROKEN))
    if isinstance(reply, Json):
        _complete(ask, reply.body)
    return reply


def _complete(ask: Ask, body: Event) -> None:
    if "usage" in body:
        body["usage"] = with_price(body["usage"])
    if _thinks(ask):
        for choice in body["choices"]:
            choice["message"]["reasoning"] = THOUGHT


def _chunks(ask: Ask, reply: Frames) -> Iterator[Event]:
    if _thinks(ask):
        for piece in words_of(THOUGHT):
            yield _chunk(ask, {"role": "assistant", "content": "", "reasoning": piece})
    for frame in reply.frames:
        if frame.get("usage"):
            yield _chunk(ask, {"role": "assistant", "content": ""}) | {"usage": with_price(frame["usage"])}
        elif ask.has("failed") and frame["choices"][0]["finish_reason"]:
            yield _error_chunk(ask, 502, "the model gave up")
        else:
            yield {name: value for name, value in frame.items() if value is not None}


def _chunk(ask: Ask, delta: Event, finish: str | None = None) -> Event:
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": ask.answering_model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}],
    }


def _error_chunk(ask: Ask, code: int, message: str) -> Event:
    return _chunk(ask, {"role": "assistant", "content": ""}, "error") | {"error": {"code": code, "message": message}}


def _thinks(ask: Ask) -> bool:
    return bool(ask.body.get("reasoning") or ask.body.get("reasoning_effort"))


def _answer_response(ask: Ask) -> Reply:
    reply = answer_response(ask)
    if isinstance(reply, Frames):
        error = {"type": "error", "code": "server_error", "message": BROKEN, "param": None, "sequence_number": 0}
        return Frames(frames=(_priced(dict(frame)) for frame in reply.frames), named=True, error=error)
    if isinstance(reply, Json) and reply.body.get("usage"):
        reply.body["usage"] = with_price(reply.body["usage"])
    return reply


def _priced(frame: Event) -> Event:
    response: Any = frame.get("response")
    if response and response.get("usage"):
        frame["response"] = response | {"usage": with_price(response["usage"])}
    return frame


def _answer_image(ask: Ask) -> Reply:
    """Always base64, never an address; no model and no id."""
    if ask.is_stream:
        error = {"type": "error", "error": {"message": BROKEN, "code": "server_error"}}
        return Frames(frames=_image_events(ask), named=True, error=error)
    images = [{"b64_json": _picture(ask, number), "media_type": "image/png"} for number in range(int(ask.body.get("n") or 1))]
    return Json(body={"created": CREATED, "data": images, "usage": _image_usage(ask)})


def _image_events(ask: Ask) -> Iterator[Event]:
    for number in range(2):
        partial = {"type": "image_generation.partial_image", "partial_image_index": number, "b64_json": _picture(ask, number, 8)}
        yield partial
    whole = {"b64_json": _picture(ask, 0), "created": CREATED, "media_type": "image/png", "usage": _image_usage(ask)}
    yield {"type": "image_generation.completed"} | whole


def _picture(ask: Ask, number: int, side_px: int = 48) -> str:
    return b64encode(draw_png(f"{ask.body.get('prompt')}{number}", side_px)).decode()


def _image_usage(ask: Ask) -> Event:
    asked = count_tokens(strip_markers(str(ask.body.get("prompt") or "")))
    return with_price({"prompt_tokens": asked, "completion_tokens": 272, "total_tokens": asked + 272})


def _answer_embedding(ask: Ask) -> Reply:
    reply = answer_embedding(ask)
    if isinstance(reply, Json):
        usage = reply.body.get("usage")
        reply.body.update({"id": "emb-fake"} | ({"usage": with_price(usage)} if usage else {}))
    return reply


def _answer_transcription(ask: Ask) -> Reply:
    usage = {"seconds": 2.5, "input_tokens": 14, "output_tokens": 5, "total_tokens": 19, "cost": 0.0005}
    return Json(body={"text": "A call was made here.", "usage": usage})


def _answer_rerank(ask: Ask) -> Reply:
    """The last document is the best one."""
    documents: list[Any] = list(reversed(list(enumerate(ask.body.get("documents") or ()))))
    results = [
        {"document": {"text": str(text)}, "index": index, "relevance_score": 1 / (rank + 1)}
        for rank, (index, text) in enumerate(documents[: ask.body.get("top_n") or len(documents)])
    ]
    usage = {"search_units": 1, "total_tokens": 12, "cost": 0.002}
    return Json(body={"id": "rank-fake", "model": ask.answering_model, "provider": "Fake", "results": results, "usage": usage})


def _answer_video(ask: Ask) -> Reply:
    return Json(body={"id": "job-fake", "polling_url": "https://videos.invalid/job-fake", "status": "pending"}, status=202)


def _answer_poll(ask: Ask) -> Reply:
    """A job whose name says so has failed, any other one is done."""
    job = {"id": ask.path.rpartition("/")[2], "polling_url": f"https://videos.invalid{ask.path}"}
    if job["id"].startswith("failed"):
        return Json(body=job | {"status": "failed", "error": "the model gave up"})
    url = "https://videos.invalid/0.mp4"
    return Json(body=job | {"status": "completed", "unsigned_urls": [url], "usage": {"cost": 0.25, "is_byok": False}})


OPENROUTER_ENDPOINTS: Mapping[str, Callable[[Ask], Reply]] = {
    "/chat/completions": _answer_chat,
    "/responses": _answer_response,
    "/images": _answer_image,
    "/embeddings": _answer_embedding,
    "/audio/speech": answer_speech,
    "/audio/transcriptions": _answer_transcription,
    "/rerank": _answer_rerank,
    "/videos": _answer_video,
    "/videos/": _answer_poll,
}
