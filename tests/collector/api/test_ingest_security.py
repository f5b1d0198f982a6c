"""
What somebody with bad intent may try on the way in.
"""

import gzip
import hashlib
import json
import tracemalloc

import pytest
import zstandard

from collector.api.access import Access
from collector.api.ingest import IngestApp
from collector.storage.protocols import ApiKey
from tests.fakes.memory_writer import MemoryKeys, MemoryWriter
from tests.fakes.posts import NOW_MS, event

JSON = (b"content-type", b"application/json")
HOST = (b"host", b"127.0.0.1:4319")
GOOD = json.dumps([event()]).encode()


async def ask(app, *headers, body=GOOD, method="POST", step=64 * 1024):
    """One request, its body in pieces: status and the answer's JSON."""
    pieces = [body[start : start + step] for start in range(0, len(body), step)] or [b""]
    read, sent = [], []

    async def receive():
        read.append(pieces[len(read)])
        return {"type": "http.request", "body": read[-1], "more_body": len(read) < len(pieces)}

    async def send(message):
        sent.append(message)

    await app({"type": "http", "method": method, "path": "/v1/events", "headers": list(headers)}, receive, send)
    answer = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(answer or b"null"), len(read)


def make(*, keys=None, host="127.0.0.1", **options):
    writer = MemoryWriter()
    return IngestApp(writer, Access(keys or MemoryKeys(), host=host, **options), lambda: NOW_MS), writer


@pytest.mark.parametrize(
    "host",
    [b"evil.example", b"evil.example:4319", b"127.0.0.1.evil.example", b"localhost.evil.example", b"localhost@evil.example", b"",
     b"[::1", b"127.0.0.1:4319:80", b"localhost/evil", b"1.2.3.4", b"[::2]",
     b"localhost:port", b"evil.example#localhost", b"\xff"],
)  # fmt: skip
async def test_dns_rebinding_host_is_refused(host):
    """
    A website that points its own name at 127.0.0.1 still says its own name.
    """
    app, writer = make()
    status, answer, _ = await ask(app, (b"host", host), JSON)
    assert 403 == status
    assert "HOOKLINE_ALLOWED_HOSTS" in answer["detail"] or "Host" in answer["detail"]
    assert [] == writer.batches


@pytest.mark.parametrize("headers", [(), (HOST, (b"host", b"evil.example")), ((b"Host", b"evil.example"), HOST)])
async def test_no_host_or_two_are_refused(headers):
    """
    Nobody can say which one counts.
    """
    app, writer = make()
    assert 403 == (await ask(app, *headers, JSON))[0]
    assert [] == writer.batches


@pytest.mark.parametrize(
    "host",
    [
        b"localhost",
        b"LOCALHOST:4319",
        b"localhost.:4319",
        b"127.0.0.1",
        b"127.8.9.1:1",
        b"[::1]:4319",
        b"[0:0:0:0:0:0:0:1]",
        b"hookline.localhost",
    ],
)
async def test_loopback_names_are_welcome(host):
    """
    With or without a port, in any case, IPv6 in brackets.
    """
    assert 200 == (await ask(make()[0], (b"host", host), JSON))[0]


@pytest.mark.parametrize("host", [b"collector.internal", b"Collector.Internal.:4319", b"10.0.0.5:4319", b"[fd00::5]"])
async def test_names_from_the_settings_are_welcome(host):
    """
    HOOKLINE_HOST and HOOKLINE_ALLOWED_HOSTS.
    """
    app, _ = make(host="10.0.0.5", api_key="k" * 16, allowed_hosts=["collector.internal:4319", "[FD00:0::5]"])
    assert 200 == (await ask(app, (b"host", host), JSON, (b"authorization", b"Bearer " + b"k" * 16)))[0]


@pytest.mark.parametrize(
    "origin",
    [b"https://evil.example", b"http://127.0.0.1:3000", b"http://localhost:4319", b"null", b"", b"file://", b"http://127.0.0.1:4319@evil.example",
     b"http://127.0.0.1", b"https://app.example.evil.example", b"http://app.example", b"chrome-extension://abc"],
)  # fmt: skip
async def test_page_of_another_site_is_refused(origin):
    """
    Another port is another site, and so is another name of the same machine.
    """
    app, writer = make(allowed_origins=["https://app.example"])
    assert 403 == (await ask(app, HOST, JSON, (b"origin", origin)))[0]
    assert [] == writer.batches


@pytest.mark.parametrize(
    "origin", [b"http://127.0.0.1:4319", b"HTTPS://App.Example", b"https://app.example:443", b"https://app.example/"]
)
async def test_own_page_and_allowed_origins_are_welcome(origin):
    """
    Default ports and case don't matter.
    """
    app, _ = make(allowed_origins=["https://app.example"])
    assert 200 == (await ask(app, HOST, JSON, (b"origin", origin)))[0]


@pytest.mark.parametrize(
    "media", [None, b"text/plain", b"multipart/form-data", b"application/x-www-form-urlencoded", b"text/plain; application/json"]
)
async def test_post_without_a_json_media_type_is_refused(media):
    """
    A page can send these without a preflight.
    """
    app, writer = make()
    headers = [HOST] if media is None else [HOST, (b"content-type", media)]
    assert 415 == (await ask(app, *headers))[0]
    assert [] == writer.batches


KEY = "hl_0123456789abcdef"


def keys(*scopes, project="shop"):
    key = ApiKey(key_id="1", project=project, name="n", scopes=scopes, created_ms=0, revoked_ms=None)
    return MemoryKeys((hashlib.sha256(KEY.encode()).hexdigest(), key))


@pytest.mark.parametrize(
    "authorization",
    [None, b"", b"Bearer", b"Bearer ", b"Bearer wrong", b"Basic " + KEY.encode(), KEY.encode(), b"Bearer " + KEY.encode() + b"x",
     b"Bearer \xff\xfe", b"Bearer " + KEY.encode()[:-1]],
)  # fmt: skip
async def test_no_key_or_a_wrong_one_is_401(authorization):
    """
    Once there is any key, on loopback too.
    """
    app, writer = make(keys=keys("ingest"))
    headers = [HOST, JSON] if authorization is None else [HOST, JSON, (b"authorization", authorization)]
    status, answer, read = await ask(app, *headers)
    assert (401, 0) == (status, read)
    assert KEY not in json.dumps(answer)
    assert [] == writer.batches


async def test_key_gives_its_project():
    """
    Whatever the events say; the scheme's case doesn't matter.
    """
    app, writer = make(keys=keys("ingest"))
    assert 200 == (await ask(app, HOST, JSON, (b"Authorization", b"bearer  " + KEY.encode())))[0]
    assert ["shop"] == [row.project for row in writer.rows.values()]


async def test_key_without_the_scope_is_403():
    """
    A reading key writes nothing.
    """
    app, writer = make(keys=keys("read", "sql"))
    status, answer, _ = await ask(app, HOST, JSON, (b"authorization", b"Bearer " + KEY.encode()))
    assert 403 == status
    assert "ingest" in answer["detail"]
    assert [] == writer.batches


async def test_without_any_key_only_loopback_serves():
    """
    A server that is bound elsewhere never becomes open, not even when its last key is revoked.
    """
    app, _ = make(host="0.0.0.0", allowed_hosts=["collector.internal"])
    assert 401 == (await ask(app, (b"host", b"collector.internal"), JSON))[0]


@pytest.mark.parametrize("compress", [lambda data: gzip.compress(data, 9), zstandard.ZstdCompressor(level=3).compress])
async def test_zip_bomb_is_stopped_while_it_inflates(compress):
    """
    Twice the limit never lies in memory.
    """
    encoding = b"zstd" if b"\x28\xb5\x2f\xfd" == compress(b"x")[:4] else b"gzip"
    bomb = compress(b" " * 128 * 1024 * 1024)
    app, writer = make()
    tracemalloc.start()
    status, _, _ = await ask(app, HOST, JSON, (b"content-encoding", encoding), body=bomb)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 413 == status
    assert peak_bytes < 80 * 1024 * 1024
    assert [] == writer.batches


async def test_ratio_over_a_hundred_is_refused_before_the_size_is():
    """
    10 MiB from 10 KiB; a small repetitive body is no bomb.
    """
    app, _ = make()
    encoding = (b"content-encoding", b"gzip")
    assert 413 == (await ask(app, HOST, JSON, encoding, body=gzip.compress(b" " * 10 * 1024 * 1024)))[0]
    small = gzip.compress(json.dumps([event(text="a" * 900_000)]).encode())
    assert 200 == (await ask(app, HOST, JSON, encoding, body=small))[0]


@pytest.mark.parametrize(("length", "status"), [(b"2147483648", 413), (b"9" * 5000, 413), (b"-1", 400), (b"1e3", 400)])
async def test_content_length_is_judged_before_the_body_is_read(length, status):
    """
    Two gigabytes are refused unread.
    """
    assert (status, 0) == (await ask(make()[0], HOST, JSON, (b"content-length", length)))[::2]


async def test_body_that_is_longer_than_it_says_is_cut_off():
    """
    What comes is counted, not what was told.
    """
    body = b"[" + b" " * 70 * 1024 * 1024
    status, _, read = await ask(make()[0], HOST, JSON, (b"content-length", b"10"), body=body, step=1024 * 1024)
    assert 413 == status
    assert read <= 66


async def test_compressed_body_over_its_limit_is_cut_off():
    """
    16 MiB on the wire.
    """
    status, _, read = await ask(
        make()[0], HOST, JSON, (b"content-encoding", b"gzip"), body=bytes(20 * 1024 * 1024), step=1024 * 1024
    )
    assert 413 == status
    assert read <= 18


async def test_ten_thousand_levels_and_nul_are_no_danger():
    """
    Told as what they are; the good event is stored.
    """
    app, writer = make()
    deep = b'{"type":"t","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    body = b"[" + deep + b',{"type":"a\\u0000b","eventId":"1"},' + b"[" * 10_000 + b"]" * 10_000 + b"]"
    status, answer, _ = await ask(app, HOST, JSON, body=body)
    assert (200, 1, ["too_deep", "too_deep"]) == (status, answer["accepted"], [r["code"] for r in answer["rejected"]])
    assert ["a\ufffdb"] == [row.type for row in writer.rows.values()]


async def test_many_gzip_members_are_no_way_to_keep_it_busy():
    """
    A hundred thousand empty members are refused early; a few are one text.
    """
    app, _ = make()
    encoding = (b"content-encoding", b"gzip")
    assert 400 == (await ask(app, HOST, JSON, encoding, body=gzip.compress(b"") * 100_000))[0]
    assert 200 == (await ask(app, HOST, JSON, encoding, body=gzip.compress(GOOD[:10]) + gzip.compress(GOOD[10:])))[0]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((HOST, JSON, (b"origin", b"https://evil.example")), 403),
        ((HOST, JSON, (b"Origin", b"https://evil.example")), 403),
        ((HOST, JSON, (b"origin", b"null")), 403),
        (((b"host", b"evil.example"), JSON), 403),
        ((HOST, HOST, JSON), 403),
        ((HOST, (b"content-type", b"text/plain")), 415),
        ((HOST, JSON, (b"content-encoding", b"br")), 415),
        ((HOST, JSON, (b"content-encoding", b"gzip")), 400),
        ((HOST, JSON, (b"content-length", b"99999999999")), 413),
        ((HOST, JSON, (b"content-length", b"many")), 400),
        ((HOST, JSON, (b"idempotency-key", b"k" * 300)), 400),
        ((HOST, JSON, (b"user-agent", b"another")), 200),
    ],
)
async def test_what_is_remembered_of_a_sender_lets_nobody_else_in(headers, status):
    """
    Headers that were found good are not looked at again; any other ones are.
    """
    app, writer = make()
    for _ in range(2):
        assert 200 == (await ask(app, HOST, JSON))[0]
        assert status == (await ask(app, *headers))[0]
    assert (4 if status == 200 else 2) == len(writer.batches)


async def test_remembered_sender_needs_its_key_each_time():
    """
    The key is looked at with every request: a missing, a wrong and a revoked one are refused after a good one.
    """
    key = ApiKey(key_id="k", project="p", name="n", scopes=("ingest",), created_ms=0, last_used_ms=None)
    keys = MemoryKeys((hashlib.sha256(b"secret").hexdigest(), key))
    app, writer = make(keys=keys)
    good = (HOST, JSON, (b"authorization", b"Bearer secret"))
    for _ in range(2):
        assert 200 == (await ask(app, *good))[0]
        assert 401 == (await ask(app, HOST, JSON))[0]
        assert 401 == (await ask(app, HOST, JSON, (b"authorization", b"Bearer other")))[0]
        assert 401 == (await ask(app, *good, (b"authorization", b"Bearer secret")))[0]
    keys.revoke_key("k", now_ms=NOW_MS)
    app._access.forget_keys()
    keys.keys["other"] = key
    assert 401 == (await ask(app, *good))[0]
    assert 2 == len(writer.batches)
    assert {"p"} == {batch.project for batch in writer.batches}
