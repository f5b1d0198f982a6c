"""
One OTLP request over HTTP, and the backend's answer as it came.

Flow: exporters.otlp -> **POST** -> exporters.otlp_answers.
The official exporter tells only success or failure, counts a redirect as success and retries on its own clock; so the request is
sent here, with the HTTP library that it uses.
"""

import gzip
import time

import requests

from collector.exporters.otlp_answers import Answer, Away, Reading, read_http_answer
from collector.exporters.otlp_settings import OtlpSettings

MAX_BODY_BYTES = 64 * 1024
USER_AGENT = "hookline-otlp"


class HttpTransport:
    """A kept-alive connection to one URL."""

    def __init__(self, settings: OtlpSettings, reading: Reading) -> None:
        self._settings = settings
        self._reading = reading
        self._session = requests.Session()
        self._verify: bool | str = str(settings.certificate) if settings.certificate else True
        self._headers = _request_headers(settings)
        if settings.client_certificate:
            key = settings.client_key or settings.client_certificate
            self._session.cert = (str(settings.client_certificate), str(key))

    def post(self, request: bytes) -> Answer:
        """Send a serialised request. What the network does is an answer too."""
        body = gzip.compress(request, compresslevel=5, mtime=0) if self._settings.compression == "gzip" else request
        until_s = time.monotonic() + 2 * self._settings.timeout_s
        try:
            with self._session.post(
                self._settings.endpoint,
                data=body,
                headers=self._headers,
                timeout=self._settings.timeout_s,
                allow_redirects=False,
                verify=self._verify,
                auth=_as_given,
                stream=True,
            ) as response:
                return self._read(response, until_s)
        except requests.Timeout:
            return Away(reason=f"no answer within {self._settings.timeout_s:g} s")
        except (requests.RequestException, OSError) as exc:
            return Away(reason=_why(exc))

    def close(self) -> None:
        self._session.close()

    def _read(self, response: requests.Response, until_s: float) -> Answer:
        body = _body(response, until_s)
        return read_http_answer(response.status_code, response.headers, body, reading=self._reading, now_s=time.time())


def _request_headers(settings: OtlpSettings) -> dict[str, str]:
    fixed = {"content-type": "application/x-protobuf"}
    if settings.compression == "gzip":
        fixed["content-encoding"] = "gzip"
    return {"user-agent": USER_AGENT} | dict(settings.headers) | fixed


def _as_given(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stands where requests would else put a login from ~/.netrc over the configured Authorization header."""
    return request


def _body(response: requests.Response, until_s: float) -> bytes:
    """What there is of the body, at most 64 KiB: the status has said what matters, so a cut body is no failure."""
    body = bytearray()
    try:
        for piece in response.iter_content(8192):
            body += piece
            if len(body) >= MAX_BODY_BYTES or time.monotonic() > until_s:
                break
    except (requests.RequestException, OSError):
        pass
    return bytes(body[:MAX_BODY_BYTES])


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
