"""
Inline media becomes blobs, named by content.
"""

import base64
import hashlib
import json

import pytest

from collector.validation.media import may_hold_media
from tests.fakes.posts import event, read, read_events, tanstack_lines

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(40))
MP3 = b"ID3" + bytes(range(40))
B64 = base64.b64encode(PNG).decode()
B64_MP3 = base64.b64encode(MP3).decode()


def marker(content=PNG, media_type="image/png"):
    return {"$blob": f"sha256:{hashlib.sha256(content).hexdigest()}", "mediaType": media_type, "bytes": len(content)}


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        ({"type": "image:request:completed", "images": [{"b64Json": B64}]}, "images[0].b64Json", marker()),
        ({"type": "image:request:completed", "images": [{"url": f"data:image/webp;base64,{B64}"}]}, "images[0].url",
         marker(PNG, "image/webp")),
        ({"type": "video:request:completed", "url": f"data:video/mp4;base64,{B64}"}, "url", marker(PNG, "video/mp4")),
        ({"type": "speech:request:completed", "audio": B64_MP3, "format": "mp3"}, "audio", marker(MP3, "audio/mpeg")),
        ({"type": "speech:request:completed", "audio": B64_MP3, "contentType": "audio/aac"}, "audio", marker(MP3, "audio/aac")),
        ({"type": "audio:request:completed", "audio": {"b64Json": B64_MP3}}, "audio.b64Json", marker(MP3, "audio/mpeg")),
        (
            {"type": "text:message:created", "parts": [
                {"type": "image", "source": {"type": "data", "value": B64, "mimeType": "image/png"}}]},
            "parts[0].source.value",
            marker(),
        ),
        (
            {"type": "text:request:started", "messages": [{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{B64}"}}]}]},
            "messages[0].content[0].image_url.url",
            marker(),
        ),
        (
            {"type": "text:request:started", "messages": [{"content": [
                {"type": "input_audio", "input_audio": {"data": B64_MP3, "format": "mp3"}}]}]},
            "messages[0].content[0].input_audio.data",
            marker(MP3, "audio/mpeg"),
        ),
        (
            {"type": "x", "source": {"type": "base64", "media_type": "image/png", "data": B64}},
            "source.data",
            marker(),
        ),
        ({"type": "x", "item": {"type": "image_generation_call", "result": B64}}, "item.result", marker()),
        ({"type": "x", "item": {"type": "image_generation_call", "result": B64, "outputFormat": "webp"}}, "item.result",
         marker(PNG, "image/webp")),
        ({"type": "x", "partialImageB64": B64}, "partialImageB64", marker()),
        ({"type": "x", "out": [{"type": "hosted_tool_call", "name": "image_generation_call", "output": B64}]}, "out[0].output",
         marker()),
        ({"type": "x", "content": [{"type": "image", "image": B64}]}, "content[0].image", marker()),
        ({"type": "x", "content": [{"type": "audio", "audio": B64_MP3, "format": "wav"}]}, "content[0].audio",
         marker(MP3, "audio/wav")),
        ({"type": "OutputImage", "base64": B64}, "base64", marker()),
        ({"type": "response.audio.delta", "delta": B64_MP3}, "delta", marker(MP3, "audio/mpeg")),
        ({"type": "x", "url": "data:image/svg+xml,%3Csvg%3E"}, "url", marker(b"<svg>", "image/svg+xml")),
    ],
)  # fmt: skip
def test_inline_media_becomes_a_marker(fields, path, expected):
    """
    The path is in `reduced`, the content in the batch's blobs, the other fields stay.
    """
    batch = read_events(event(**fields)).batch
    (row,) = batch.events
    assert [path] == json.loads(row.reduced or "[]")
    found = json.loads(row.payload)
    for step in path.replace("]", "").replace("[", ".").split("."):
        found = found[int(step) if step.isdigit() else step]
    assert expected == found
    (blob,) = batch.blobs
    assert (expected["$blob"], expected["mediaType"]) == (f"sha256:{blob.sha256}", blob.media_type)
    assert expected["bytes"] == len(blob.content)


@pytest.mark.parametrize(
    "fields",
    [{"images": [{"b64Json": "not base64 at all!"}]}, {"images": [{"url": "https://example.test/a.png"}]},
     {"images": [{"b64Json": ""}]}, {"images": [{"b64Json": None}]}, {"text": B64}, {"data": B64},
     {"url": "data:text/plain,hello"}, {"url": "data:image/png;base64,%%%"},
     {"note": "about data:image/png;base64,AAAA in a text"}, {"audio": B64_MP3},
     {"images": [{"b64Json": {"b64": 1}}]}],
)  # fmt: skip
def test_what_is_no_inline_media_stays(fields):
    """
    A link, text that looks like base64, base64 that isn't.
    """
    batch = read_events(event(type="image:request:completed", **fields)).batch
    assert ((), None) == (batch.blobs, batch.events[0].reduced)
    assert fields.items() <= json.loads(batch.events[0].payload).items()


def test_same_content_is_one_blob():
    """
    In one event and in many.
    """
    batch = read_events(*(event(eventId=str(n), images=[{"b64Json": B64}, {"b64Json": B64}]) for n in range(3))).batch
    assert 1 == len(batch.blobs)


def test_media_in_a_snapshot_is_lifted_before_the_state_is_kept():
    """
    `hook_states` must not grow by pictures either.
    """
    state = {"messages": [{"parts": [{"type": "image", "source": {"type": "data", "value": B64}}]}]}
    batch = read_events(event(type="hook:state-snapshot", hookId="h", state=state)).batch
    assert B64 not in batch.hook_states[0].state
    assert "$blob" in batch.hook_states[0].state
    assert 1 == len(batch.blobs)


def test_recorded_images_and_speech_are_lifted():
    """
    TanStack AI's own: two equal pictures, one voice.
    """
    images = read(b"\n".join(tanstack_lines("image.jsonl")), media="ndjson").batch.blobs
    speech = read(b"\n".join(tanstack_lines("speech.jsonl")), media="ndjson").batch.blobs
    assert ["image/png"] == [blob.media_type for blob in images]
    assert [("audio/mpeg", b"ID3")] == [(blob.media_type, blob.content[:3]) for blob in speech]


@pytest.mark.parametrize("told", ["text/html", "image/png\r\nx: y", 5, "image/" + "x" * 500])
def test_media_type_that_could_hurt_is_not_believed(told):
    """
    It becomes a header when the blob is read.
    """
    batch = read_events(event(type="speech:request:completed", audio=B64_MP3, contentType=told)).batch
    assert ["audio/mpeg"] == [blob.media_type for blob in batch.blobs]


@pytest.mark.parametrize(
    "mark",
    [
        "b64_json",
        "partialB64",
        "base64",
        '"audio"',
        '"image"',
        '"data:',
        '"data"',
        "image_generation_call",
        "response.audio.delta",
    ],
)
def test_the_quick_look_sees_every_mark(mark):
    """
    It may be wrong about an event without media, never about one with.
    """
    assert may_hold_media(f'{{"x": {mark} }}'.encode())
    assert not may_hold_media(b'{"x": "the 64 images of audio data" }')
