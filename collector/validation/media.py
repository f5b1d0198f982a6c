"""
Lift inline media out of events: base64 in a row makes it megabytes, and the same picture comes again with every message.

Flow: columns -> **media** -> reductions -> storage. The event keeps `{"$blob": "sha256:…", "mediaType", "bytes"}`.
"""

import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from collector.events import Blob

_BASE64_MARKS: Final = (b"b64", b"B64", b"base64")
_MARKS: Final = (b'"audio"', b'"image"', b'"data:', b'"data"', b"image_generation_call", b"response.audio.delta")
"""Bytes without which an event holds no inline media; looking for them is much cheaper than walking the event."""
_ROUGHLY: Final = ("b64", "B64", "e64", '"data', '"audio"', '"image"', "image_generation_call", "response.audio.delta")
"""Fewer, and some is in whatever has a mark: nearly all events have none of them."""

_ALWAYS_MEDIA: Final = frozenset({"b64Json", "b64_json", "partial_image_b64", "partialImageB64", "base64"})
_WITH_FORMAT: Final = frozenset({"data", "value", "audio", "image", "result", "output", "delta"})
"""Names that hold base64 only in certain company; `_is_media` knows which."""
_DATA_URL = re.compile(r"data:((?:image|audio|video|application)/[\w.+-]+)(?:;[\w.+=-]+)*?(;base64)?,", re.ASCII)
_MEDIA_TYPE = re.compile(r"(?:image|audio|video|application)/[\w.+-]{1,80}", re.ASCII)
_SPACE = str.maketrans("", "", " \t\r\n")
_FORMATS: Final = {"mp3": "audio/mpeg", "wav": "audio/wav", "opus": "audio/ogg", "ogg": "audio/ogg", "aac": "audio/aac",
                   "flac": "audio/flac", "pcm": "audio/pcm", "pcm16": "audio/pcm", "png": "image/png", "jpeg": "image/jpeg",
                   "jpg": "image/jpeg", "webp": "image/webp", "gif": "image/gif"}  # fmt: skip
_MAGIC: Final = (
    (b"\x89PNG\r\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"), (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"), (b"OggS", "audio/ogg"), (b"fLaC", "audio/flac"), (b"%PDF", "application/pdf"),
)  # fmt: skip


MEDIA_NAMES: Final = _ALWAYS_MEDIA | _WITH_FORMAT - {"delta"}
"""In events of our own catalogue only a data URL is media under other names; a `delta` is, in one event of a provider."""


def may_hold_data_url(raw: bytes) -> bool:
    """Whether a string in these bytes, an event's or a whole body's, may be a data URL."""
    # Shorter is found faster, and nearly no body has even that.
    return b"data:" in raw and b'"data:' in raw


def may_hold_media(raw: bytes) -> bool:
    """Whether it is worth walking the event."""
    return any(mark in raw for mark in (*_BASE64_MARKS, *_MARKS))


def text_may_hold_media(payload: str) -> bool:
    """The same of an event's text: asked for nearly every one, and nearly always no."""
    for rough in _ROUGHLY:
        if rough in payload:
            return may_hold_media(payload.encode())
    return False


def lift_media(event: dict[str, Any], type_name: str, blobs: dict[str, Blob]) -> list[str]:
    """Replace inline media inside `event` by markers, add the contents to `blobs`, and tell the paths."""
    lifted: list[str] = []
    walk: list[tuple[str, Any]] = [("", event)]
    while walk:
        path, node = walk.pop()
        entries: list[tuple[Any, Any]] = list(node.items() if type(node) is dict else enumerate(node))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
        for key, value in entries:
            inner = f"{path}[{key}]" if type(key) is int else f"{path}.{key}" if path else str(key)
            if type(value) is dict or type(value) is list:
                walk.append((inner, value))  # pyright: ignore[reportUnknownArgumentType]
            elif type(value) is str and len(value) > 8:
                blob = _blob(node, key, value, type_name if not path else "")
                if blob is not None:
                    blobs[blob.sha256] = blob
                    node[key] = {"$blob": f"sha256:{blob.sha256}", "mediaType": blob.media_type, "bytes": len(blob.content)}
                    lifted.append(inner)
    return sorted(lifted)


def _blob(holder: Any, key: Any, value: str, type_name: str) -> Blob | None:
    found = _DATA_URL.match(value) if value.startswith("data:") else None
    if found is not None:
        rest = value[found.end() :]
        return _named(_base64(rest) if found[2] else unquote_to_bytes(rest), found[1])
    if type(holder) is dict and _is_media(holder, key, type_name):  # pyright: ignore[reportUnknownArgumentType]
        content = _base64(value)
        return _named(content, _told_type(holder) or _sniffed_type(content or b""))  # pyright: ignore[reportUnknownArgumentType]
    return None


def _is_media(holder: Mapping[str, Any], key: str, type_name: str) -> bool:
    """Whether `holder[key]` is base64 by its place: TanStack's, OpenAI's, its agents', Anthropic's and aisbreaker's spellings."""
    if key in _ALWAYS_MEDIA:
        return True
    if key not in _WITH_FORMAT:
        return False
    kind = holder.get("type")
    match key:
        case "data":
            return kind == "base64" or "format" in holder or "transcript" in holder
        case "value":
            return kind == "data"
        case "result":
            return kind == "image_generation_call"
        case "output":
            return kind == "hosted_tool_call" and holder.get("name") == "image_generation_call"
        case "delta":
            return type_name == "response.audio.delta"
        case "audio":
            return kind == "audio" or type_name.startswith(("speech:", "audio:"))
        case _:
            return kind == "image"


def _told_type(holder: Mapping[str, Any]) -> str | None:
    for name in ("mediaType", "media_type", "mimeType", "mime_type", "contentType", "content_type"):
        told = holder.get(name)
        if type(told) is str and _MEDIA_TYPE.fullmatch(told):
            return told
    for name in ("format", "output_format", "outputFormat"):
        told = holder.get(name)
        if type(told) is str and told.lower() in _FORMATS:
            return _FORMATS[told.lower()]
    return None


def _sniffed_type(content: bytes) -> str:
    if content[:4] == b"RIFF":
        return "image/webp" if content[8:12] == b"WEBP" else "audio/wav"
    if content[4:8] == b"ftyp":
        return "video/mp4"
    return next((media_type for magic, media_type in _MAGIC if content.startswith(magic)), "application/octet-stream")


def _named(content: bytes | None, media_type: str) -> Blob | None:
    if not content:
        return None
    return Blob(sha256=hashlib.sha256(content).hexdigest(), media_type=media_type, content=content)


def _base64(text: str) -> bytes | None:
    """The bytes, or None for what is not base64 after all: then it stays where it is."""
    compact = text.translate(_SPACE).rstrip("=")
    if "-" in compact or "_" in compact:
        compact = compact.replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(compact + "=" * (-len(compact) % 4), strict_mode=True)
    except (binascii.Error, ValueError):
        return None
