"""
One OTLP request over HTTP, and the backend's answer as it came.

Flow: exporters.otlp -> **POST** -> exporters.otlp_answers.
The official exporter tells only success or failure, counts a redirect as success and retries on its own clock; so the request is
sent here, with the HTTP library that it uses.
"""

import gzip
import time
import zlib
from contextlib import suppress

import requests

from collector.exporters.deadline import Deadline, DeadlineAdapter
from collector.exporters.otlp_answers import Answer, Away, Reading, read_http_answer
from collector.exporters.otlp_settings import OtlpSettings

MAX_BODY_BYTES = 64 * 1024
USER_AGENT = "hookline-otlp"


class HttpTransport:
    """A kept-alive connection to one URL. One request at a time."""

    def __init__(self, settings: OtlpSettings, reading: Reading) -> None:
        self._settings = settings
        self._reading = reading
        self._deadline = Deadline()
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, DeadlineAdapter(self._deadline))
        self._verify: bool | str = str(settings.certificate) if settings.certificate else True
        self._headers = _request_headers(settings)
        if settings.client_certificate:
            key = settings.client_key or settings.client_certificate
            self._session.cert = (str(settings.client_certificate), str(key))

    def post(self, request: bytes) -> Answer:
        """Send a serialised request. What the network does is an answer too."""
        body = gzip.compress(request, compresslevel=5, mtime=0) if self._settings.compression == "gzip" else request
        with self._deadline.within(self._settings.timeout_s):
            try:
                return self._post(body)
            except requests.Timeout:
                return self._too_late()
            except (requests.RequestException, OSError) as exc:
                return self._too_late() if self._deadline.is_over else Away(reason=_why(exc))

    def close(self) -> None:
        self._session.close()

    def _post(self, body: bytes) -> Answer:
        with self._session.post(
            self._settings.endpoint,
            data=body,
            headers=self._headers,
            # Waiting for an answer is ended by the deadline alone: an end from two sides would be told in two ways.
            timeout=(self._settings.timeout_s, self._settings.timeout_s + 5.0),
            allow_redirects=False,
            verify=self._verify,
            auth=_as_given,
            stream=True,
        ) as response:
            content = self._content(response)
            return read_http_answer(response.status_code, response.headers, content, reading=self._reading, now_s=time.time())

    def _content(self, response: requests.Response) -> bytes:
        """What there is of the body, at most 64 KiB: the status has said what matters, so a cut body is no failure."""
        body = bytearray()
        # The libraries below have many names for an answer that breaks off.
        with suppress(Exception):
            while len(body) < MAX_BODY_BYTES and not self._deadline.is_over:
                # One read from the network each: a body that comes byte by byte must not outlast the deadline.
                piece: bytes = response.raw.read1(MAX_BODY_BYTES - len(body), decode_content=False)
                if not piece:
                    break
                body += piece
        return _plain(bytes(body), response.headers.get("content-encoding", ""))

    def _too_late(self) -> Away:
        return Away(reason=f"no answer within {self._settings.timeout_s:g} s")


def _request_headers(settings: OtlpSettings) -> dict[str, str]:
    # Compressed answers are not asked for: they are short, and what they would unpack to is anybody's guess.
    fixed = {"content-type": "application/x-protobuf", "accept-encoding": "identity"}
    if settings.compression == "gzip":
        fixed["content-encoding"] = "gzip"
    return {"user-agent": USER_AGENT} | dict(settings.headers) | fixed


def _as_given(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stands where requests would else put a login from ~/.netrc over the configured Authorization header."""
    return request


def _plain(body: bytes, encoding: str) -> bytes:
    """The body, unpacked as far as 64 KiB where it came packed all the same."""
    if encoding.strip().lower() not in ("gzip", "deflate"):
        return body
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, MAX_BODY_BYTES)
    except zlib.error:
        return b""


def _why(exc: BaseException) -> str:
    """The innermost reason. Messages of requests hold the URL, which may hold a key."""
    reason = type(exc).__name__
    seen: set[int] = set()
    inner: BaseException | None = exc
    while inner is not None and id(inner) not in seen:
        seen.add(id(inner))
        if isinstance(inner, OSError) and inner.strerror:
            reason = inner.strerror
        inner = inner.__cause__ or inner.__context__
    return f"not reachable: {reason}"
