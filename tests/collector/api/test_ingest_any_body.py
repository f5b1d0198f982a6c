"""
Mutated bodies through the HTTP application: no 5xx, no traceback in the log, no good event lost.

`HOOKLINE_FUZZ=10000` makes it so many; the default run is modest.
"""

import asyncio
import gzip
import json
import os
import random

import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from collector.api.access import Access
from collector.api.ingest import IngestApp
from tests.fakes.memory_writer import MemoryKeys, MemoryWriter
from tests.fakes.mutations import mutated_bodies
from tests.fakes.posts import NOW_MS

EXAMPLES = int(os.environ.get("HOOKLINE_FUZZ", 40))
CODECS = {"identity": bytes, "gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}
GOOD = {"type": "custom:good", "eventId": "the-good-one", "timestamp": NOW_MS}


async def ask(app, body, media, encoding):
    """One request over ASGI: status and answer."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", media), (b"content-encoding", encoding.encode())]
    await app({"type": "http", "method": "POST", "path": "/v1/events", "headers": headers}, receive, send)
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    body=mutated_bodies(),
    media=st.sampled_from([b"application/json", b"application/x-ndjson"]),
    encoding=st.sampled_from(sorted(CODECS)),
    seed=st.none() | st.integers(),
)
def test_no_body_breaks_the_way_in(body, media, encoding, seed):
    """
    With a good line beside it in NDJSON, that one is stored; the wire may be damaged too, after compression.
    """
    is_ndjson = media == b"application/x-ndjson"
    if is_ndjson:
        body = json.dumps(GOOD).encode() + b"\n" + body
    wire = bytearray(CODECS[encoding](body))
    if seed is not None and encoding != "identity":
        wire[seed % len(wire)] ^= 1 << random.Random(seed).randint(0, 7)
    writer = MemoryWriter()
    app = IngestApp(writer, Access(MemoryKeys(), host="127.0.0.1"), lambda: NOW_MS)
    with capture_logs() as lines:
        status, answer = asyncio.run(ask(app, bytes(wire), media, encoding))
    assert status in (200, 400, 413, 422)
    assert [] == [line for line in lines if line["log_level"] in ("error", "critical") or "exc_info" in line]
    if status == 200:
        assert sum(len(batch.events) for batch in writer.batches) == answer["accepted"] + answer["duplicates"]
    if is_ndjson and (seed is None or encoding == "identity"):
        assert status == 200
        assert "the-good-one" in {row.event_id for row in writer.rows.values()}
