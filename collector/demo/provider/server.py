"""
The provider's sockets: HTTP/1.1 with keep-alive and chunked streams, and the faults that markers ask for.

Flow: SDK client -> **server** -> endpoint (pure) -> **server** -> SDK client.
The standard library's server, because a fault must be able to cut the socket.
"""

import json
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self, cast

from collector.demo.provider.chat import answer_chat, answer_completion
from collector.demo.provider.google import GOOGLE_ENDPOINTS, verb_and_model
from collector.demo.provider.media import (
    answer_embedding,
    answer_image,
    answer_moderation,
    answer_speech,
    answer_transcription,
    answer_video,
    list_models,
)
from collector.demo.provider.messages import answer_message
from collector.demo.provider.openrouter import OPENROUTER_ENDPOINTS
from collector.demo.provider.responses import answer_response
from collector.demo.provider.wire import (
    Ask,
    Binary,
    Frames,
    Json,
    Reply,
    error_body,
    google_error_body,
    openrouter_error_body,
    read_markers,
)

ENDPOINTS: Mapping[str, Callable[[Ask], Reply]] = {
    "/chat/completions": answer_chat,
    "/completions": answer_completion,
    "/responses": answer_response,
    "/images/generations": answer_image,
    "/images/edits": answer_image,
    "/embeddings": answer_embedding,
    "/audio/speech": answer_speech,
    "/audio/transcriptions": answer_transcription,
    "/audio/translations": answer_transcription,
    "/moderations": answer_moderation,
    "/videos": answer_video,
    "/videos/": answer_video,
    "/messages": answer_message,
    "/models": list_models,
    **GOOGLE_ENDPOINTS,
}

OPENROUTER_PREFIX = "/api/v1"
"""Behind this path the same endpoints speak OpenRouter's dialect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as it arrived, for tests."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


class Provider:
    """A running server; leaving the context stops it."""

    def __init__(self, port: int) -> None:
        self.seen: deque[Seen] = deque(maxlen=1_000)
        self._server = _Server(("127.0.0.1", port), self.seen)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name="fake-provider", daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def base_url(self) -> str:
        """What the client's `base_url` must be."""
        return f"{self.origin}/v1"

    @property
    def openrouter_url(self) -> str:
        """What the `server_url` of OpenRouter's client must be."""
        return f"{self.origin}{OPENROUTER_PREFIX}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=2.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def start_provider(port: int = 0) -> Provider:
    """Listen on loopback; port 0 takes a free one."""
    return Provider(port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], seen: deque[Seen]) -> None:
        self.seen = seen
        self.failed_once: set[bytes] = set()
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is a normal event here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class names it so
        """Silent: the demo's own output is what the user should see."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        ask = self._read()
        time.sleep((ask.number("late") or 0) / 1_000)
        reply = choose_reply(ask)
        if isinstance(reply, Frames):
            self._stream(reply, ask)
        else:
            self._send_whole(reply)

    def _read(self) -> Ask:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        body = _read_body(self.headers.get("content-type") or "", raw)
        path, is_openrouter = _endpoint_path(self.path)
        if path.startswith(":"):
            body.setdefault("model", verb_and_model(self.path)[1])
        self.server.seen.append(Seen(path=path, headers=dict(self.headers.items()), body=body))
        markers = read_markers(raw.decode("latin-1"))
        is_retry = "flaky" in markers and self._is_retry(raw)
        return Ask(path=path, body=body, markers=markers, is_retry=is_retry, is_openrouter=is_openrouter)

    def _is_retry(self, raw: bytes) -> bool:
        """By the header in which OpenAI's and Anthropic's clients count; OpenRouter's just sends the same body again."""
        tries = self.headers.get("x-stainless-retry-count")
        if tries is not None:
            return tries != "0"
        if raw in self.server.failed_once:
            self.server.failed_once.discard(raw)
            return True
        self.server.failed_once.add(raw)
        return False

    def _send_whole(self, reply: Json | Binary) -> None:
        is_json = isinstance(reply, Json)
        content = json.dumps(reply.body).encode() if is_json else reply.content
        self.send_response(reply.status if is_json else 200)
        self.send_header("content-type", "application/json" if is_json else reply.media_type)
        self.send_header("content-length", str(len(content)))
        self.send_header("x-request-id", "req_fake")
        for name, value in reply.headers.items() if is_json else ():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _stream(self, reply: Frames, ask: Ask) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.send_header("x-request-id", "req_fake")
        self.end_headers()
        broken_at, dropped_at = ask.number("break"), ask.number("drop")
        for number, frame in enumerate(reply.frames):
            time.sleep((ask.number("slow") or 0) / 1_000)
            if number == dropped_at:
                self._cut()
                return
            if number == broken_at:
                self._send_frame(reply.error or error_body(500, "the stream broke"), "error" if reply.named else None)
                break
            self._send_frame(frame, str(frame["type"]) if reply.named else None)
        else:
            if not reply.named and reply.has_done:
                self._send_chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _send_frame(self, frame: Mapping[str, Any], name: str | None) -> None:
        head = f"event: {name}\n" if name else ""
        self._send_chunk(f"{head}data: {json.dumps(frame)}\n\n".encode())

    def _send_chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        self.wfile.flush()

    def _cut(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def choose_reply(ask: Ask) -> Reply:
    """The endpoint's answer, or the HTTP error that the request asks for."""
    status = ask.number("error") or (None if ask.is_retry else ask.number("flaky"))
    if status is not None:
        # The client would otherwise wait half a second before it tries again.
        return _error(ask, status, "asked to fail", headers={"retry-after-ms": "1"})
    if ask.model == "no-such-model":
        return _error(ask, 404, "The model does not exist.", "model_not_found")
    endpoint = (OPENROUTER_ENDPOINTS if ask.is_openrouter else ENDPOINTS).get(_family(ask.path))
    if endpoint is None:
        return _error(ask, 404, f"no such endpoint: {ask.path}")
    return endpoint(ask)


def _error(ask: Ask, status: int, message: str, code: str | None = None, headers: Mapping[str, str] | None = None) -> Json:
    if ask.path.startswith(":"):
        body = google_error_body(status, message)
    else:
        body = openrouter_error_body(status, message) if ask.is_openrouter else error_body(status, message, code)
    return Json(body=body, status=status, headers=headers or {})


def _family(path: str) -> str:
    """A video's own path is that of all of them."""
    return "/videos/" if path.startswith("/videos/") else path


def _endpoint_path(target: str) -> tuple[str, bool]:
    """The path behind /v1, or behind Azure's deployment prefix, and whether it is OpenRouter's."""
    path = target.split("?", 1)[0]
    if path.startswith(OPENROUTER_PREFIX):
        return path.removeprefix(OPENROUTER_PREFIX), True
    if "/models/" in path and ":" in path:
        return verb_and_model(path)[0], False
    if path.startswith("/openai/deployments/"):
        return "/" + path.split("/", 4)[-1], False
    return path.removeprefix("/openai").removeprefix("/v1"), False


def _read_body(media_type: str, raw: bytes) -> dict[str, Any]:
    if media_type.startswith("multipart/form-data"):
        return _read_form(media_type, raw)
    found: Any = json.loads(raw) if raw else {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _read_form(media_type: str, raw: bytes) -> dict[str, Any]:
    """Form fields; files are kept by their size only."""
    document = BytesParser(policy=HTTP).parsebytes(b"content-type: " + media_type.encode() + b"\r\n\r\n" + raw)
    fields: dict[str, Any] = {}
    for part in document.iter_parts():  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]
        name: Any = part.get_param("name", header="content-disposition")
        content: Any = part.get_payload(decode=True)
        is_file = part.get_filename() is not None
        fields[str(name)] = {"bytes": len(content)} if is_file else content.decode("utf-8", "replace").strip()
    return fields
