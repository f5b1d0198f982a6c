"""
Where every field of a posted event lands: found by looking for its value, not by knowing the code.

Flow: origins -> the way in, assembly -> **landings** -> test, docs/dialects.md.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from collector.assembly.assembler import assemble
from collector.events import Batch, EventRow
from collector.fields import mapping
from collector.spans import Assembled
from tests.collector.assembly.stored import no_price, stored_calls
from tests.fakes.posts import NOW_MS, read_events, sent_event

Leaf = tuple[tuple[str | int, ...], Any]

_NOT_THE_EVENTS = frozenset({"payload", "received_at", "clock", "dialect", "service", "resource_id", "project", "schema_issues"})
_USAGE = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")


def landings(post: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Each field of the post, `payload.…` and `context.…`, with the places that have its value."""
    result = read_events(post)
    assert () == result.rejected
    outcomes = {
        request_id: assemble(call, price=no_price)
        for request_id, call in stored_calls([result.batch], now_ms=NOW_MS + 60_000_000_000).items()
    }
    leaves = [leaf for part in ("payload", "context") for leaf in _leaves(post.get(part), (part,))]
    return [(_path(path), _places(path, value, result.batch, outcomes)) for path, value in [(("type",), post["type"]), *leaves]]


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[Leaf]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _leaves(inner, (*path, place))
    else:
        yield path, value


def _path(path: tuple[str | int, ...]) -> str:
    return re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, path)))


def _places(path: tuple[str | int, ...], value: Any, batch: Batch, outcomes: Mapping[str, Assembled]) -> list[str]:
    (row,) = batch.events
    found = [*_in_row(path, value, row), *_in_payload(path, value, row, batch)]
    for request_id, outcome in outcomes.items():
        of = "" if request_id == row.request_id else "image's "
        found += [f"{of}{place}" for place in _in_outcome(value, outcome)]
    return list(dict.fromkeys(found))


def _in_row(path: tuple[str | int, ...], value: Any, row: EventRow) -> Iterator[str]:
    for name, column in row._asdict().items():
        if name in _NOT_THE_EVENTS:
            continue
        is_named_so = name in (_snake(str(path[-1])), f"{_snake(str(path[-1]))}_ms")
        is_it = column == value and type(column) is type(value) and (is_named_so or _is_telling(value))
        if is_it or (isinstance(column, str) and isinstance(value, str) and _is_telling(value) and _holds(name, column, value)):
            yield f"`events.{name}`"


def _holds(name: str, column: str, value: str) -> bool:
    """A type without its prefix, names in a list, the parts of a traceparent."""
    if name == "tool_names":
        return json.dumps(value) in column
    return (name == "type" and value.endswith(f":{column}")) or (name in ("trace_id", "parent_span_id") and column in value)


def _in_payload(path: tuple[str | int, ...], value: Any, row: EventRow, batch: Batch) -> Iterator[str]:
    if path == ("type",):
        return
    node: Any = sent_event(row)
    for step in path[1:]:
        node = node[step] if isinstance(step, int) else mapping(node).get(step)
    if node == value:
        yield "payload"
    elif isinstance(node, dict) and "$blob" in node:
        content = base64.b64decode(str(value).rpartition(",")[2])
        if any(blob.content == content and node["$blob"] == f"sha256:{blob.sha256}" for blob in batch.blobs):
            yield "`blobs`, and the payload names it"


def _in_outcome(value: Any, outcome: Assembled) -> Iterator[str]:
    if not _is_telling(value):
        return
    for member in fields(outcome.call):
        if _says(getattr(outcome.call, member.name), value):
            yield f"`calls.{member.name}`"
    for bucket in _USAGE:
        if getattr(outcome.call.usage, bucket) == value:
            yield f"`calls.{bucket}`"
    for tool in outcome.tool_calls:
        told = {member.name: getattr(tool, member.name) for member in fields(tool)}
        yield from (f"`tool_calls.{name}`" for name, said in told.items() if _says(said, value))
        if not isinstance(value, str) and any(str(value) in str(told[name]) for name in ("arguments", "result")):
            yield "`tool_calls.arguments`"
    for span in outcome.spans:
        yield from (f"attribute `{name}`" for name, told in span.attributes.items() if _says(told, value))
        if span.parent_span_id is not None and isinstance(value, str) and span.parent_span_id in value:
            yield "`spans.parent_span_id`"


def _says(told: Any, value: Any) -> bool:
    if isinstance(told, dict):
        return value in told.values()
    if isinstance(value, str) and isinstance(told, str):
        return value == told or value in told or (len(told) == 32 and told in value)
    # A float that is whole is the number that was sent.
    return isinstance(told, int | float) and not isinstance(told, bool) and told == value


def _is_telling(value: Any) -> bool:
    """Whether a value cannot stand somewhere by chance."""
    if isinstance(value, str):
        return len(value) >= 8 and value not in ("assistant", "completed", "function")
    return isinstance(value, int | float) and not isinstance(value, bool) and (value >= 200 or value != int(value))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f"_{found[1].lower()}", name)
