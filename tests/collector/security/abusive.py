"""
Bodies that somebody may send by malice or mistake, and what the collector says to each.

Every body of more than one event has a good one in it, named `good-<case>`: it must be kept.
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import zstandard

NDJSON = "application/x-ndjson"
MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Case:
    """A body and what becomes of it."""

    name: str
    body: bytes
    status: int
    keeps_good: bool = False
    codes: tuple[str, ...] = ()
    says: str = ""
    media: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def good(name: str) -> bytes:
    """The event that must be kept."""
    return json.dumps({"type": "text:request:started", "eventId": f"good-{name}", "timestamp": 1_764_000_000_000}).encode()


def _event(name: str, more: bytes, **fields: Any) -> bytes:
    """An event whose last members are these bytes."""
    head = json.dumps({"type": "custom", "eventId": f"odd-{name}", "timestamp": 1_764_000_000_001, **fields}).encode()
    return head[:-1] + b"," + more + b"}"


def _beside_good(name: str, more: bytes, *codes: str) -> Case:
    return Case(name=name, body=b"[" + _event(name, more) + b"," + good(name) + b"]", status=200, keeps_good=True, codes=codes)


def _window(bits: int) -> bytes:
    """A zstd frame that asks for a window of 2**bits bytes."""
    parameters = zstandard.ZstdCompressionParameters(window_log=bits)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return packer.compress(b"[]" + b" " * 1000) + packer.flush()


_DEEP_ARRAYS = b"[" * 10_000 + b"]" * 10_000
_DEEP_OBJECTS = b'{"a":' * 10_000 + b"1" + b"}" * 10_000

CASES = (
    _beside_good("deep_arrays", b'"x":' + _DEEP_ARRAYS, "too_deep"),
    _beside_good("deep_objects", b'"x":' + _DEEP_OBJECTS, "too_deep"),
    _beside_good("deep_after_surrogate", rb'"a":"\ud800","x":' + _DEEP_ARRAYS, "too_deep"),
    _beside_good("deep_after_wide_number", b'"a":1e400,"x":' + _DEEP_ARRAYS, "too_deep"),
    _beside_good("lone_surrogates", rb'"a":"\ud800","b":"x\udc00y","\ud83d":"\ude00"'),
    _beside_good("surrogate_columns", rb'"requestId":"r\ud800","model":"\udfff","streamId":"\ud800"'),
    _beside_good("nul_escaped", rb'"a":"x\u0000y","\u0000":1,"model":"m\u0000"'),
    _beside_good("nul_in_ids", rb'"requestId":"\u0000","clientId":"\u0000","toolNames":["\u0000"]'),
    _beside_good("double_too_large", b'"a":1e400,"b":-1e400,"duration":1e400,"sequence":1e400'),
    _beside_good("integer_too_large", b'"a":1' + b"0" * 5000 + b',"sequence":1' + b"0" * 5000 + b',"messageCount":99999999999'),
    _beside_good("no_bigint", b'"sequence":9223372036854775808,"duration":-1e308,"messageCount":-9223372036854775809'),
    _beside_good("minus_zero", b'"a":-0.0,"duration":-0.0,"sequence":-0'),
    _beside_good("duplicate_keys", b'"requestId":"a","requestId":"b","payload":1,"payload":2'),
    _beside_good("long_keys", b'"' + b"k" * 100_000 + b'":1'),
    _beside_good("invalid_utf8", b'"a":"\xff\xfe\x80","model":"\xc0\xaf"'),
    _beside_good("wrong_types", b'"requestId":[],"model":{},"duration":"x","usage":7,"toolNames":"no","context":[]'),
    _beside_good("timestamp_twice", b'"timestamp":"soon"', "bad_timestamp"),
    _beside_good("timestamp_too_large", b'"timestamp":1' + b"0" * 400, "bad_timestamp"),
    Case(
        name="deep_resource",
        body=b'{"resource":{"a":' + _DEEP_ARRAYS + b'},"events":[' + good("deep_resource") + b"]}",
        status=400,
        says="resource",
    ),
    Case(
        name="deep_resource_after_surrogate",
        body=rb'{"resource":{"s":"\ud800","a":' + _DEEP_ARRAYS + b'},"events":[' + good("deep_resource_after_surrogate") + b"]}",
        status=400,
        says="resource",
    ),
    Case(
        name="odd_resource",
        body=b'{"resource":{"service.name":"\\u0000\\ud800","n":1e400,"i":1' + b"0" * 400 + b'},"events":['
        + good("odd_resource") + b"]}",
        status=200,
        keeps_good=True,
    ),
    Case(
        name="ndjson",
        body=b"\xef\xbb\xbf"
        + b"\r\n".join(
            [good("ndjson"), b"", _DEEP_ARRAYS, _DEEP_OBJECTS, b"NaN", b'{"type":"x","a":Infinity}', b"{", b"\x00", b'"\xff"']
        )
        + b"\r\n",
        status=200,
        keeps_good=True,
        # An array isn't looked into: it is no event at whatever depth.
        codes=("too_deep", "too_deep", "not_an_object", "not_an_object", "not_an_object", "not_an_object", "not_an_object"),
        media=NDJSON,
    ),
    Case(name="nan", body=b'[{"type":"x","a":NaN}]', status=400, says="not JSON"),
    Case(name="raw_nul", body=b'[{"type":"x\x00"}]', status=400, says="not JSON"),
    Case(name="utf16", body='[{"type":"x"}]'.encode("utf-16"), status=400, says="not JSON"),
    Case(name="empty", body=b"", status=400, says="empty"),
    Case(name="empty_gzip", body=b"", status=400, says="gzip", headers={"content-encoding": "gzip"}),
    Case(name="bom", body=b"\xef\xbb\xbf[" + good("bom") + b"]", status=200, keeps_good=True),
    Case(name="million_tiny_events", body=b"[" + b"{}," * 1_000_000 + b"{}]", status=413, says="smaller batches"),
    Case(name="million_tiny_lines", body=b"{}\n" * 1_000_000, status=413, says="smaller batches", media=NDJSON),
    Case(name="many_numbers", body=b"[" + b"1," * 8_000_000 + b"1]", status=413, says="smaller batches"),
    Case(name="many_members", body=b'{"a":1' + b',"b":1' * 2_000_000 + b"}", status=422, codes=("too_large",)),
    Case(
        name="gzip_bomb",
        body=gzip.compress(b" " * 16 * MIB, 9),
        status=413,
        says="times its size",
        headers={"content-encoding": "gzip"},
    ),
    Case(
        name="nested_gzip",
        body=gzip.compress(gzip.compress(b"[]")),
        status=400,
        says="not JSON",
        headers={"content-encoding": "gzip"},
    ),
    Case(
        name="zstd_bomb",
        body=zstandard.ZstdCompressor(level=3).compress(b" " * 16 * MIB),
        status=413,
        says="times its size",
        headers={"content-encoding": "zstd"},
    ),
    Case(name="zstd_window", body=_window(27), status=400, says="window", headers={"content-encoding": "zstd"}),
    Case(name="not_gzip", body=b"[]", status=400, says="gzip", headers={"content-encoding": "gzip"}),
    Case(
        name="cut_gzip",
        body=gzip.compress(good("x") * 100)[:-9],
        status=400,
        says="too early",
        headers={"content-encoding": "gzip"},
    ),
    Case(name="two_encodings", body=b"[]", status=415, says="gzip, zstd", headers={"content-encoding": "gzip, gzip"}),
    Case(name="unknown_encoding", body=b"[]", status=415, says="gzip, zstd", headers={"content-encoding": "br"}),
    Case(name="parameters_of_encoding", body=b"[]", status=415, says="gzip, zstd", headers={"content-encoding": "gzip;q=1"}),
)  # fmt: skip
