"""
Recorded HTTP conversations with real providers, and what each says by itself: read from the recording, never from our code.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from tests.fakes.required import SHARED


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer, as they were on the wire."""

    name: str
    path: str
    request: dict[str, Any]
    status: int
    content_type: str
    body: bytes

    @property
    def is_stream(self) -> bool:
        return "event-stream" in self.content_type

    @property
    def document(self) -> Any:
        """The answer's JSON document."""
        return json.loads(self.body)

    @property
    def frames(self) -> list[Any]:
        """The JSON frames of a streamed answer."""
        lines = self.body.decode().splitlines()
        data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
        return [json.loads(line) for line in data if line != "[DONE]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a recorded answer says about the call."""

    response_model: str | None = None
    finish_reasons: list[str] = field(default_factory=list[str])
    usage: dict[str, Any] = field(default_factory=dict[str, Any])
    """As the provider wrote it; only what has a number."""
    tool_calls: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """(id, name, arguments)"""
    text: str = ""
    images: list[str] = field(default_factory=list[str])
    """Base64 or address."""
    error: str | None = None


def exchanges_with(provider: str) -> list[Any]:
    """Every recorded exchange with a provider, as a test's parameters; none where there are no recordings."""
    files = sorted((SHARED / "fixtures" / "cassettes" / provider).glob("*.yaml"))
    return [pytest.param(exchange, id=exchange.name) for file in files for exchange in read_cassette(file)]


def read_cassette(file: Path) -> Iterator[Exchange]:
    """The exchanges of a file, in their order."""
    for number, entry in enumerate(yaml.load(file.read_text(), Loader=yaml.CSafeLoader)["interactions"]):
        request, response = entry["request"], entry["response"]
        headers = {str(name).lower(): values for name, values in response["headers"].items()}
        yield Exchange(
            name=f"{file.stem}-{number}",
            path="/" + str(request["uri"]).split("/", 3)[3],
            request=_body_of(request),
            status=response["status"]["code"],
            content_type=headers["content-type"][0],
            body=_bytes_of(response),
        )


def _body_of(request: dict[str, Any]) -> dict[str, Any]:
    return request["parsed_body"] if "parsed_body" in request else json.loads(request["body"])


def _bytes_of(response: dict[str, Any]) -> bytes:
    if "parsed_body" in response:
        return json.dumps(response["parsed_body"]).encode()
    body = response["body"]["string"]
    raw = body if isinstance(body, bytes) else body.encode()
    return gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw


def what_it_says(exchange: Exchange) -> Said:
    """Read the recording with nothing but the provider's own documentation in mind."""
    if exchange.status >= 400:
        return Said(error=exchange.document["error"]["message"])
    if exchange.path.endswith("/chat/completions"):
        return _chat_stream(exchange.frames) if exchange.is_stream else _chat(exchange.document)
    if exchange.path.endswith("/responses"):
        last = exchange.frames[-1]["response"] if exchange.is_stream else exchange.document
        return _response(last)
    if exchange.path.endswith("/embeddings"):
        return Said(response_model=exchange.document["model"], usage=_numbers(exchange.document["usage"]))
    images = [image.get("b64_json") or image["url"] for image in exchange.document["data"]]
    return Said(images=images, usage=_numbers(exchange.document.get("usage")))


def _chat(document: dict[str, Any]) -> Said:
    choices = document["choices"]
    calls = [call for choice in choices for call in choice["message"].get("tool_calls") or ()]
    return Said(
        response_model=document["model"],
        finish_reasons=[choice["finish_reason"] for choice in choices],
        usage=_numbers(document["usage"]),
        tool_calls=[(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls],
        text=choices[0]["message"]["content"] or "",
    )


def _chat_stream(frames: list[Any]) -> Said:
    reasons: dict[int, str] = {}
    calls: dict[tuple[int, int], list[str]] = {}
    text, usage = "", {}
    for frame in frames:
        usage = frame.get("usage") or usage
        for choice in frame["choices"]:
            if choice["finish_reason"]:
                reasons[choice["index"]] = choice["finish_reason"]
            if choice["index"] == 0:
                text += choice["delta"].get("content") or ""
            for piece in choice["delta"].get("tool_calls") or ():
                known = calls.setdefault((choice["index"], piece["index"]), [piece.get("id"), piece["function"].get("name"), ""])
                known[2] += piece["function"]["arguments"]
    return Said(
        response_model=frames[0]["model"],
        finish_reasons=[reasons[index] for index in sorted(reasons)],
        usage=_numbers(usage),
        tool_calls=[cast("tuple[str, str, str]", tuple(call)) for call in calls.values()],
        text=text,
    )


def _response(document: dict[str, Any]) -> Said:
    output = document["output"]
    calls = [(item["call_id"], item["name"], item["arguments"]) for item in output if item["type"] == "function_call"]
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    return Said(
        response_model=document["model"],
        # A response has no finish reason: a completed one has stopped, by itself or in order to have tools run.
        finish_reasons=["tool_calls" if calls else "stop"] if document["status"] == "completed" else [],
        usage=_numbers(document["usage"]),
        tool_calls=calls,
        text="".join(part["text"] for part in parts),
        images=[item["result"] for item in output if item["type"] == "image_generation_call"],
    )


def _numbers(usage: dict[str, Any] | None) -> dict[str, Any]:
    """Nested counts under dotted names."""
    found: dict[str, Any] = {}
    for name, value in (usage or {}).items():
        if isinstance(value, dict):
            found |= {f"{name}.{inner}": count for inner, count in cast("dict[str, Any]", value).items() if count is not None}
        elif value is not None:
            found[name] = value
    return found
