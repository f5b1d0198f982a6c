"""
POST /v1/events over ASGI: forms, answers, failures.
"""

import gzip
import json

import httpx2
import pytest
import zstandard

from collector.api.access import Access
from collector.api.ingest import IngestApp
from collector.errors import StoreBusy, StoreUnavailable
from collector.validation import Limits
from tests.fakes.memory_writer import MemoryKeys, MemoryWriter
from tests.fakes.posts import NOW_MS, TANSTACK_FILES, event, tanstack_lines

JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}


class Post:
    """An IngestApp with its writer, and a client."""

    def __init__(self, **options):
        self.writer = MemoryWriter()
        self.now_ms = NOW_MS
        self.committed = []
        self.rejected = []
        access = Access(MemoryKeys(), host="127.0.0.1", allowed_origins=["https://app.example"])
        listeners = {"on_commit": self.committed.append, "on_rejected": self.rejected.append}
        self.app = IngestApp(self.writer, access, lambda: self.now_ms, **{**listeners, **options})

    async def __call__(self, body, headers=JSON, method="POST"):
        content = body if isinstance(body, (bytes, str)) else json.dumps(body)
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:4319") as client:
            return await client.request(method, "/v1/events", content=content, headers=headers)


@pytest.fixture
def post():
    return Post()


async def test_answer_tells_what_became_of_each_event(post):
    """
    Accepted, duplicates and rejected with index, code and detail; good events of a mixed batch are kept.
    """
    answer = await post([event(eventId="a"), event(eventId="a"), {"no": "type"}, event(eventId="b")])
    assert 200 == answer.status_code
    told = answer.json()
    assert (2, 1) == (told["accepted"], told["duplicates"])
    assert [(2, "missing_type")] == [(r["index"], r["code"]) for r in told["rejected"]]
    assert "detail" in told["rejected"][0]
    assert ["a", "b"] == [row.event_id for row in post.writer.rows.values()]


async def test_listeners_hear_of_what_was_committed_and_rejected(post):
    """
    The pipeline wakes by it, metrics count it.
    """
    await post([event(), {"no": "type"}])
    assert [1] == [len(batch.events) for batch in post.committed]
    assert ["missing_type"] == [r.code for r in post.rejected[0]]


async def test_failing_listener_does_not_change_the_answer():
    """
    The events are stored; the sender must hear so.
    """
    post = Post(on_commit=lambda batch: 1 / 0)
    assert 200 == (await post([event()])).status_code


@pytest.mark.parametrize(
    ("encode", "name"),
    [(gzip.compress, "gzip"), (gzip.compress, "x-gzip"), (zstandard.ZstdCompressor().compress, "zstd"), (bytes, "identity")],
)
async def test_encodings(post, encode, name):
    """
    gzip, zstd or none.
    """
    answer = await post(encode(json.dumps([event()]).encode()), headers={**JSON, "content-encoding": name})
    assert (200, 1) == (answer.status_code, answer.json()["accepted"])


async def test_ndjson(post):
    """
    A bad line is a rejected index.
    """
    answer = await post(json.dumps(event()) + "\n{oops\n", headers=NDJSON)
    assert (200, 1) == (answer.status_code, answer.json()["accepted"])
    assert [(1, "not_an_object")] == [(r["index"], r["code"]) for r in answer.json()["rejected"]]


@pytest.mark.parametrize(("body", "headers"), [([], JSON), ("", NDJSON), ({"events": []}, JSON)])
async def test_empty_list_is_fine(post, body, headers):
    """
    And nothing is written.
    """
    answer = await post(body, headers)
    assert (200, {"accepted": 0, "duplicates": 0, "rejected": []}) == (answer.status_code, answer.json())
    assert [] == post.writer.batches


async def test_all_rejected_is_a_problem_with_the_same_members(post):
    """
    422, and still told one by one.
    """
    answer = await post([1, {"no": "type"}])
    assert 422 == answer.status_code
    assert "application/problem+json" == answer.headers["content-type"]
    told = answer.json()
    assert (0, 0, 2) == (told["accepted"], told["duplicates"], len(told["rejected"]))
    assert {"type", "title", "status", "detail"} <= set(told)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ("{", JSON, 400),
        (b"\x1f\x8bnot gzip", {**JSON, "content-encoding": "gzip"}, 400),
        (gzip.compress(b"[]" * 1000, mtime=0)[:-9], {**JSON, "content-encoding": "gzip"}, 400),
        (zstandard.ZstdCompressor().compress(b'{"type":"a"}\n' * 1000)[:-3], {**NDJSON, "content-encoding": "zstd"}, 400),
        (b"not zstd", {**JSON, "content-encoding": "zstd"}, 400),
        ([], {**JSON, "content-encoding": "br"}, 415),
        ([], {**JSON, "content-encoding": "gzip, gzip"}, 415),
        ([], {"content-type": "text/plain"}, 415),
        ([], {"content-type": "application/x-www-form-urlencoded"}, 415),
        ([], {"content-type": ""}, 415),
        ([], {"content-type": "application/json; charset=utf-16"}, 415),
        ([], {**JSON, "idempotency-key": "k" * 300}, 400),
    ],
)
async def test_request_that_cannot_be_read(post, body, headers, status):
    """
    Each with its status, a problem document and nothing stored.
    """
    answer = await post(body, headers)
    assert status == answer.status_code
    assert "application/problem+json" == answer.headers["content-type"]
    assert status == answer.json()["status"]
    assert [] == post.writer.batches


@pytest.mark.parametrize("media", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "application/ndjson"])
async def test_media_types_in_their_spellings(post, media):
    """
    Case and a charset that changes nothing don't matter.
    """
    assert 200 == (await post(event(), {"content-type": media})).status_code


@pytest.mark.parametrize(("failing", "wait"), [(StoreBusy("full"), "1"), (StoreUnavailable("postgresql://u:secret@h"), "5")])
@pytest.mark.parametrize("where", ["failing", "failing_commit"])
async def test_store_that_cannot_take_it_is_503_with_retry_after(post, failing, wait, where):
    """
    At once or at the commit; the driver's words stay in the log.
    """
    setattr(post.writer, where, failing)
    answer = await post([event()])
    assert (503, wait) == (answer.status_code, answer.headers["retry-after"])
    assert "secret" not in answer.text
    assert [] == post.committed


async def test_unexpected_failure_is_500_without_details(post):
    """
    What went wrong is in the log only.
    """
    post.writer.failing = RuntimeError("sk-secret")
    answer = await post([event()])
    assert 500 == answer.status_code
    assert "secret" not in answer.text


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_405_with_allow(post, method):
    """
    The header names what is allowed.
    """
    answer = await post("", method=method)
    assert (405, "POST, OPTIONS") == (answer.status_code, answer.headers["allow"])


async def test_idempotency_key_makes_a_repeat_duplicates(post):
    """
    For events without an id and a time, whose identity the key and the first receipt are.
    """
    headers = {**JSON, "idempotency-key": "k1"}
    first = await post([{"type": "a"}, {"type": "a"}], headers)
    post.now_ms += 5_000
    again = await post([{"type": "a"}, {"type": "a"}], headers)
    assert (2, 0) == (first.json()["accepted"], first.json()["duplicates"])
    assert (0, 2) == (again.json()["accepted"], again.json()["duplicates"])


async def test_without_the_key_a_repeat_is_new(post):
    """
    Nobody can tell it from a second event.
    """
    await post([{"type": "a"}])
    assert 1 == (await post([{"type": "a"}])).json()["accepted"]


@pytest.mark.parametrize("name", TANSTACK_FILES)
async def test_recorded_messages_are_all_accepted_and_then_all_duplicates(post, name):
    """
    As NDJSON, as an array and singly; the second time nothing is new.
    """
    lines = tanstack_lines(name)
    first = await post(b"\n".join(lines), NDJSON)
    assert {"accepted": len(lines), "duplicates": 0, "rejected": []} == first.json()
    again = await post(b"[" + b",".join(reversed(lines)) + b"]")
    assert {"accepted": 0, "duplicates": len(lines), "rejected": []} == again.json()
    assert {"accepted": 0, "duplicates": 1, "rejected": []} == (await post(lines[0])).json()


async def test_page_of_an_allowed_origin_may_ask_and_read(post):
    """
    Preflight and answer name the origin; others get neither.
    """
    origin = {"origin": "https://app.example"}
    preflight = await post("", {**origin, "access-control-request-method": "POST"}, "OPTIONS")
    assert 204 == preflight.status_code
    assert "https://app.example" == preflight.headers["access-control-allow-origin"]
    assert "content-type" in preflight.headers["access-control-allow-headers"]
    answer = await post([event()], {**JSON, **origin})
    assert (200, "https://app.example") == (answer.status_code, answer.headers["access-control-allow-origin"])
    other = await post("", {"origin": "https://evil.example", "access-control-request-method": "POST"}, "OPTIONS")
    assert 403 == other.status_code
    assert "access-control-allow-origin" not in other.headers


async def test_body_larger_than_what_is_read_in_place():
    """
    Goes through a thread; the answer is the same.
    """
    post = Post()
    sent = [event(eventId=str(n), text="x" * 1000) for n in range(500)]
    assert 500 == (await post(sent)).json()["accepted"]


async def test_limits_come_from_outside():
    """
    Values, handed in.
    """
    assert 413 == (await Post(limits=Limits(expanded_bytes=10))([event()])).status_code
    assert 413 == (await Post(limits=Limits(events=1))([event(), event()])).status_code


async def test_sender_that_hangs_up_gets_no_answer(post):
    """
    Nothing is stored and nothing is sent.
    """
    sent = []
    messages = iter([{"type": "http.request", "body": b"[", "more_body": True}, {"type": "http.disconnect"}])

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    await post.app({"type": "http", "method": "POST", "path": "/v1/events", "headers": headers}, receive, send)
    assert ([], []) == (sent, post.writer.batches)
