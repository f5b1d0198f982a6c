"""
Recorded POSTs: read them, send them to a collector, and ask it for the calls.
"""

import base64
import gzip
import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.running import eventually

COMPARED = (
    "parent_request_id",
    "operation",
    "status",
    "start_ms",
    "end_ms",
    "duration_ms",
    "time_to_first_chunk_ms",
    "provider",
    "model",
    "response_model",
    "finish_reason",
    "error_type",
    "error_message",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "usage_source",
    "chunk_count",
    "tool_count",
    "image_count",
    "service",
    "client_id",
    "thread_id",
    "run_id",
    "session_id",
    "user_id",
    "trace_id",
    "span_id",
    "late",
    "tags",
)
"""What a later collector must make of the same events. Previews may become better, prices change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """As it came over the wire."""

    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def events(self) -> list[dict[str, Any]]:
        plain = gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body
        return json.loads(plain)["events"]


def recorded(folder: Path) -> Iterator[Post]:
    """The posts of a recording."""
    for line in (folder / "posts.ndjson").read_text().splitlines():
        post = json.loads(line)
        yield Post(path=post["path"], headers=post["headers"], body=base64.b64decode(post["body"]))


def send(port: int, posts: Sequence[Post]) -> dict[str, dict[str, Any]]:
    """Post them in their order; the calls by request id, once all are settled."""
    for post in posts:
        status, told = _ask(port, "POST", post.path, post.body, dict(post.headers))
        assert (200, []) == (status, told.get("rejected")), told

    def settled() -> dict[str, dict[str, Any]] | None:
        _, page = _ask(port, "GET", "/v1/calls?limit=1000", None, {})
        calls = {call["request_id"]: call for call in page["items"]}
        return calls if calls and all(call["status"] != "running" for call in calls.values()) else None

    return eventually(settled)


def _ask(port: int, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=100)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
