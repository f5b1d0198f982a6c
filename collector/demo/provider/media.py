"""
Images, embeddings, speech, transcription and moderation.

Flow: Ask -> **media** -> Reply.
Pure.
"""

import struct
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, cast

from collector.demo.provider.answers import count_tokens, draw_png
from collector.demo.provider.wire import Ask, Binary, Frames, Json, Reply, strip_markers

CREATED = 1_764_000_000


def answer_image(ask: Ask) -> Reply:
    """Generation and edit; the document has no model and no id, as with the real one."""
    if ask.is_stream:
        return Frames(frames=_image_events(ask), named=True)
    wants_url = ask.has("url") or ask.body.get("response_format") == "url"
    images = [_image(ask, number, wants_url) for number in range(int(ask.body.get("n") or 1))]
    body: dict[str, Any] = {"created": CREATED, "data": images}
    # The DALL-E models send no usage.
    if not ask.model.startswith("dall-e") and not ask.has("no-usage"):
        body["usage"] = _image_usage(ask)
    return Json(body=body)


def _image(ask: Ask, number: int, wants_url: bool) -> dict[str, Any]:
    if wants_url:
        return {"url": f"https://images.invalid/{number}.png", "revised_prompt": _prompt(ask)}
    return {"b64_json": b64encode(draw_png(f"{_prompt(ask)}{number}")).decode()}


def _image_events(ask: Ask) -> Iterator[dict[str, Any]]:
    look = {"background": "opaque", "created_at": CREATED, "output_format": "png", "quality": "low", "size": "1024x1024"}
    kind = "image_edit" if ask.path.endswith("/edits") else "image_generation"
    for number in range(int(ask.body.get("partial_images") or 1)):
        picture = b64encode(draw_png(f"{_prompt(ask)}{number}", 8)).decode()
        yield look | {"type": f"{kind}.partial_image", "partial_image_index": number, "b64_json": picture}
    whole = b64encode(draw_png(f"{_prompt(ask)}0")).decode()
    yield look | {"type": f"{kind}.completed", "b64_json": whole, "usage": _image_usage(ask)}


def _image_usage(ask: Ask) -> dict[str, Any]:
    asked = count_tokens(_prompt(ask))
    return {
        "input_tokens": asked,
        "input_tokens_details": {"text_tokens": asked, "image_tokens": 0},
        "output_tokens": 272,
        "total_tokens": asked + 272,
    }


def _prompt(ask: Ask) -> str:
    return strip_markers(str(ask.body.get("prompt") or ""))


def answer_embedding(ask: Ask) -> Reply:
    """Vectors as float lists, or as base64 of little-endian float32, which the SDK asks for by default."""
    texts = _texts(ask)
    size = int(ask.body.get("dimensions") or 8)
    as_base64 = ask.body.get("encoding_format") == "base64"
    data = [_embedding(number, str(text), size, as_base64) for number, text in enumerate(texts)]
    tokens = sum(count_tokens(str(text)) for text in texts)
    body: dict[str, Any] = {"object": "list", "data": data, "model": ask.model}
    return Json(body=body if ask.has("no-usage") else body | {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}})


def _texts(ask: Ask) -> list[Any]:
    """The inputs: one text, a list of them, or one text as a list of token numbers."""
    given: Any = ask.body.get("input")
    if not isinstance(given, list):
        return [given]
    entries = cast("list[Any]", given)
    return [entries] if entries and isinstance(entries[0], int) else entries


def _embedding(number: int, text: str, size: int, as_base64: bool) -> dict[str, Any]:
    vector = embed(text, size)
    packed = b64encode(struct.pack(f"<{size}f", *vector)).decode()
    return {"object": "embedding", "index": number, "embedding": packed if as_base64 else vector}


def embed(text: str, size: int) -> list[float]:
    """A vector that depends on the text alone."""
    digest = sha256(text.encode()).digest()
    return [digest[i % len(digest)] / 255 for i in range(size)]


def answer_speech(ask: Ask) -> Reply:
    """Something that begins like an MP3."""
    return Binary(content=b"ID3\x04" + sha256(str(ask.body.get("input")).encode()).digest() * 8, media_type="audio/mpeg")


def answer_transcription(ask: Ask) -> Reply:
    """Transcription and translation."""
    details = {"text_tokens": 0, "audio_tokens": 14}
    usage = {"type": "tokens", "input_tokens": 14, "input_token_details": details, "output_tokens": 5, "total_tokens": 19}
    return Json(body={"text": "A call was made here.", "usage": usage})


def answer_moderation(ask: Ask) -> Reply:
    """Nothing is ever flagged, unless it says bad."""
    texts = _texts(ask)
    results = [
        {
            "flagged": "bad" in str(text),
            "categories": {"violence": "bad" in str(text)},
            "category_scores": {"violence": 0.9 if "bad" in str(text) else 0.01},
            "category_applied_input_types": {"violence": ["text"]},
        }
        for text in texts
    ]
    return Json(body={"id": "modr-fake", "model": ask.model, "results": results})


def list_models(ask: Ask) -> Reply:
    """One model is enough for a client that looks."""
    return Json(
        body={"object": "list", "data": [{"id": "gpt-4o-mini", "object": "model", "created": CREATED, "owned_by": "fake"}]}
    )


def answer_video(ask: Ask) -> Reply:
    """A job, by what its name says: one that runs, one that has failed, else one that is done and can be fetched."""
    last = ask.path.rpartition("/")[2]
    if last == "content":
        return Binary(content=b"\0\0\0\x18ftypmp42", media_type="video/mp4")
    is_new = last in ("videos", "edits", "extensions", "remix")
    job: dict[str, Any] = {
        "id": "job-fake" if is_new else last,
        "object": "video",
        "model": str(ask.body.get("model") or "sora-2"),
        "prompt": ask.body.get("prompt"),
        "seconds": str(ask.body.get("seconds") or "4"),
        "size": "720x1280",
        "created_at": 1_764_000_000,
    }
    if last.startswith("failed"):
        error = {"code": "moderation_blocked", "message": "the model gave up"}
        return Json(body=job | {"status": "failed", "progress": 40, "error": error})
    if is_new or last.startswith("running"):
        return Json(body=job | {"status": "queued" if is_new else "in_progress", "progress": 0 if is_new else 40})
    return Json(body=job | {"status": "completed", "progress": 100})
