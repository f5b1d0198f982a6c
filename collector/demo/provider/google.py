"""
Google's wire format: generateContent whole and streamed, predict for pictures, embeddings.

Flow: Ask -> **google** -> Reply.
Pure. The model stands in the path; the server puts it into the body.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from collector.demo.provider.answers import count_tokens, draw_png, last_prompt, text_of, tools_to_call, write_text
from collector.demo.provider.media import embed
from collector.demo.provider.wire import Ask, Frames, Json, Reply, google_error_body, items_of, strip_markers, words_of

Part = dict[str, Any]


def answer_content(ask: Ask) -> Reply:
    """`generateContent`."""
    return Json(body=_answer(ask, list(_parts(ask)), _finish(ask), _usage(ask)))


def stream_content(ask: Ask) -> Reply:
    """`streamGenerateContent`: whole documents with a piece each; counts are of the answer so far, the last has the reason."""
    return Frames(frames=_frames(ask), named=False, has_done=False, error=google_error_body(500, "the stream broke"))


def _frames(ask: Ask) -> Iterator[Part]:
    pieces = [piece for part in _parts(ask) for piece in _pieces(part)]
    for number, piece in enumerate(pieces, 1):
        is_last = number == len(pieces)
        usage = _usage(ask) if is_last else {"promptTokenCount": _asked(ask), "totalTokenCount": _asked(ask)}
        yield _answer(ask, [piece], _finish(ask) if is_last else None, usage)


def _pieces(part: Part) -> list[Part]:
    return [part | {"text": word} for word in words_of(part["text"])] if "text" in part else [part]


def _answer(ask: Ask, parts: list[Part], finish: str | None, usage: Part) -> Part:
    content = {"parts": parts, "role": "model"}
    candidate = {"content": content, "index": 0} | ({"finishReason": finish} if finish else {})
    head = {"modelVersion": f"{ask.model}-001", "responseId": "resp_fake"}
    return {"candidates": [candidate]} | head | ({} if ask.has("no-usage") else {"usageMetadata": usage})


def _parts(ask: Ask) -> Iterator[Part]:
    config = ask.mapping("generationConfig")
    if config.get("thinkingConfig"):
        yield {"text": "Let me think about it first.", "thought": True}
    calls = _calls(ask)
    for _, name, given in calls:
        # As with the Gemini API: a call has no id.
        yield {"functionCall": {"name": name, "args": given}}
    if not calls:
        yield {"text": _text(ask)}
    if "IMAGE" in (config.get("responseModalities") or ()):
        yield {"inlineData": {"mimeType": "image/png", "data": b64encode(draw_png(_text(ask))).decode()}}


def _messages(ask: Ask) -> list[Part]:
    return [{"role": content.get("role"), "content": content.get("parts")} for content in ask.items("contents")]


def _text(ask: Ask) -> str:
    return write_text(ask, last_prompt(_messages(ask)))


def _calls(ask: Ask) -> list[tuple[str, str, dict[str, Any]]]:
    last = ask.items("contents")[-1:]
    functions = [function for tool in ask.items("tools") for function in items_of(tool.get("functionDeclarations"))]
    bare: list[Part] = [{"type": "function", "parameters": one.get("parameters_json_schema") or {}, **one} for one in functions]
    offering = replace(ask, body={**ask.body, "tools": bare})
    return tools_to_call(offering, has_result='"functionResponse"' in json.dumps(last))


def _finish(ask: Ask) -> str:
    return "MAX_TOKENS" if ask.has("incomplete") else "STOP"


def _asked(ask: Ask) -> int:
    return sum(count_tokens(text_of(message["content"])) for message in _messages(ask)) + 3


def _usage(ask: Ask) -> Part:
    asked, written = _asked(ask), count_tokens(_text(ask))
    details = [{"modality": "TEXT", "tokenCount": asked}]
    thoughts = {"thoughtsTokenCount": 7} if ask.mapping("generationConfig").get("thinkingConfig") else {}
    total = asked + written + sum(thoughts.values())
    return {
        "promptTokenCount": asked,
        "cachedContentTokenCount": asked // 2,
        "candidatesTokenCount": written,
        **thoughts,
        "totalTokenCount": total,
        "promptTokensDetails": details,
    }


def answer_prediction(ask: Ask) -> Reply:
    """`predict`: pictures, or with an older model embeddings."""
    instances = ask.items("instances")
    if instances and "content" in instances[0]:
        return Json(body={"predictions": [{"embeddings": _vector(str(one["content"])) | _statistics(one)} for one in instances]})
    prompt = strip_markers(str(instances[0].get("prompt") or "")) if instances else ""
    count = int(ask.mapping("parameters").get("sampleCount") or 1)
    pictures = [b64encode(draw_png(f"{prompt}{number}")).decode() for number in range(count)]
    return Json(body={"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": picture} for picture in pictures]})


def _statistics(instance: Part) -> Part:
    return {"statistics": {"truncated": False, "token_count": count_tokens(str(instance["content"]))}}


def answer_embeddings(ask: Ask) -> Reply:
    """`batchEmbedContents`."""
    texts = [text_of(one.get("content", {}).get("parts")) for one in ask.items("requests")]
    return Json(body={"embeddings": [_vector(text) for text in texts]})


def _vector(text: str) -> Part:
    return {"values": embed(text, 8)}


def verb_and_model(target: str) -> tuple[str, str]:
    """Both stand in the path: …/models/NAME:VERB."""
    rest, _, verb = target.partition("?")[0].rpartition(":")
    return f":{verb}", unquote(rest.rpartition("/models/")[2])


GOOGLE_ENDPOINTS: Mapping[str, Callable[[Ask], Reply]] = {
    ":generateContent": answer_content,
    ":streamGenerateContent": stream_content,
    ":predict": answer_prediction,
    ":batchEmbedContents": answer_embeddings,
}
