"""
An exporter without a network: encodes for real, keeps what it was sent, answers as a test says.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from collector.events import Resource
from collector.exporters.otlp_encoding import Envelope, encode_span
from collector.exporters.protocol import Outcome, Sent
from collector.spans import Span
from tests.fakes.otlp_decoding import ReceivedSpan, decode_request

Verdict = Callable[[Sequence[ReceivedSpan]], Sequence[Outcome]]


class RecordingExporter:
    """`will` scripts the next sends; a callable there is asked, an Outcome is for all spans, an exception is raised."""

    longest_send_s = 10.0
    rejected_spans = 0

    def __init__(self, destination: str = "otlp") -> None:
        self.destination = destination
        self.sends: list[tuple[ReceivedSpan, ...]] = []
        self.is_closed = False
        self.is_winding_down = False
        self.has_sent = threading.Event()
        self._script: deque[Outcome | Verdict | BaseException] = deque()

    def will(self, *verdicts: Outcome | Verdict | BaseException) -> None:
        self._script.extend(verdicts)

    def encode(self, span: Span) -> bytes:
        return encode_span(span)

    def send(self, resource: Resource, spans: Sequence[bytes]) -> list[Outcome]:
        received = decode_request(Envelope(resource.attributes).join_request(spans))
        self.sends.append(received)
        verdict = self._script.popleft() if self._script else Sent()
        if isinstance(verdict, BaseException):
            raise verdict
        outcomes = list(verdict(received)) if callable(verdict) else [verdict] * len(spans)
        self.has_sent.set()
        return outcomes

    def wind_down(self) -> None:
        self.is_winding_down = True

    def close(self) -> None:
        self.is_closed = True

    def names(self) -> list[str]:
        """Names of all spans it was sent, in order, with repeats."""
        return [span.name for part in self.sends for span in part]
