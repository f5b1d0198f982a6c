"""
Bodies that were good once: what hostile, broken and merely odd senders post.
"""

import json
import random
from typing import Any

from hypothesis import strategies as st

from tests.fakes.posts import NOW_MS, TANSTACK_FILES, event, tanstack_lines

_ODD_TEXTS = ["", "\0", "\ud800", "\udfff\ud83d", "😀", "a" * 600, "1e999", "-0", "data:image/png;base64,AAAA", "NaN",
              "2025-11-24T16:00:00Z", "\u2028"]  # fmt: skip
_ODD_NUMBERS = [0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30, 0.1, -0.0, 1e308, 1e-320, NOW_MS,
                NOW_MS * 1000, NOW_MS // 1000]  # fmt: skip

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
SCALARS |= st.sampled_from(_ODD_TEXTS) | st.sampled_from(_ODD_NUMBERS)
JSON_VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=12
)

_FIELDS = ["type", "eventId", "timestamp", "requestId", "sequence", "model", "toolNames", "duration", "messages", "images",
           "content", "delta", "chunks", "source", "traceparent", "project", "context", "payload", "pluginId", "hookId",
           "state", "audio", "hasTools", "usage", "response", "messageCount", "parts", "b64Json", "url"]  # fmt: skip
_TYPES = ["text:chunk:content", "hook:state-snapshot", "image:request:completed", "run:errored", "speech:request:completed",
          "video:request:started", "response.created", "tanstack-ai-devtools:text:usage", "tanstack-ai-devtools:",
          "custom"]  # fmt: skip
_PLUGINS = ["tanstack-ai-devtools", "openai", "openrouter", "openai-agents", "aisbreaker", "acme", ""]
_SNIPPETS = [b"\\u0000", b"\\ud800", b"\xff", b"\xed\xa0\x80", b"1e400", b"NaN", b"[" * 70, b"]" * 70, b'{"a":', b"\n", b",",
             b'"', b"\\", b"\0", b"-", b"null"]  # fmt: skip


def good_events() -> st.SearchStrategy[dict[str, Any]]:
    """Events whose fields are anything."""
    fields = st.dictionaries(st.sampled_from(_FIELDS), JSON_VALUES, max_size=6)
    named = st.fixed_dictionaries({}, optional={"type": st.sampled_from(_TYPES), "pluginId": st.sampled_from(_PLUGINS)})
    return st.builds(lambda some, names: {**event(), **some, **names}, fields, named)


def mutated_bodies() -> st.SearchStrategy[bytes]:
    """Recorded and generated posts, with up to six wounds."""
    return st.builds(_wounded, st.integers(0, 2**32), st.integers(0, 6), st.lists(good_events(), max_size=3))


def _wounded(seed: int, wounds: int, events: list[dict[str, Any]]) -> bytes:
    chance = random.Random(seed)
    lines = [json.dumps(one).encode() for one in events]
    lines += chance.sample(recorded := tanstack_lines(chance.choice(TANSTACK_FILES)), min(len(recorded), chance.randint(0, 3)))
    body = bytearray(_packed(lines, chance))
    for _ in range(wounds):
        _wound(body, chance)
    return bytes(body)


def _packed(lines: list[bytes], chance: random.Random) -> bytes:
    match chance.randint(0, 3):
        case 0:
            return b"\n".join(lines)
        case 1:
            return b'{"resource":{"service.name":"s"},"events":[' + b",".join(lines) + b"]}"
        case 2 if lines:
            return lines[0]
        case _:
            return b"[" + b",".join(lines) + b"]"


def _wound(body: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(body) + 1)
    match chance.randint(0, 5):
        case 0 if place < len(body):
            body[place] ^= 1 << chance.randint(0, 7)
        case 1:
            body[place:place] = chance.choice(_SNIPPETS)
        case 2:
            del body[place : place + chance.randint(1, 30)]
        case 3:
            del body[place:]
        case 4:
            body[place:place] = bytes(body[place : place + chance.randint(1, 200)])
        case _:
            body[:] = body.replace(b'"type"', b'"typ"', 1) if chance.random() < 0.5 else body.replace(b":17", b":-17", 1)
