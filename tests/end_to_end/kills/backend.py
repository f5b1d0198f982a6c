"""
The OTLP backend of the rounds: keeps every span that it accepted as the bytes that came, with the moment.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.end_to_end.kills.verdict import Copy
from tests.fakes.otlp import Answer, OtlpReceiver


class Backend(OtlpReceiver):
    """Takes everything."""

    def __init__(self) -> None:
        super().__init__()
        self._copies: dict[str, list[Copy]] = defaultdict(list)

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def copies(self) -> dict[str, tuple[Copy, ...]]:
        """What came, by span id, in the order of receipt."""
        return {span_id: tuple(copies) for span_id, copies in self._copies.items()}

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Note the spans; accept."""
        if "metrics" not in path.lower():
            at_s = time.monotonic()
            for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for of_scope in of_resource.scope_spans:
                    for span in of_scope.spans:
                        sent = span.SerializeToString(deterministic=True)
                        self._copies[span.span_id.hex()].append(Copy(at_s=at_s, sent=sent))
        return Answer()
