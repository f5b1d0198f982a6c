"""
A call in few words, the same from assembly's outcome and from what a store gives to readers: what golden answers are written in.
"""

from collections.abc import Mapping
from typing import Any

from collector.spans import Assembled
from collector.storage.protocols import Reader

_SAME = (
    "parent_request_id", "operation", "status", "start_ms", "end_ms", "duration_ms", "time_to_first_chunk_ms", "provider",
    "model", "response_model", "finish_reason", "error_type", "error_message", "chunk_count", "image_count", "prompt_preview",
    "answer_preview",
)  # fmt: skip
_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
_TOOL = ("tool_call_id", "tool_name", "arguments", "result", "status", "error", "duration_ms")


def told_outcome(outcome: Assembled) -> dict[str, Any]:
    """An assembled call; what is not known is left out, and times count from the call's start."""
    call = {name: getattr(outcome.call, name) for name in (*_SAME, "usage_source")}
    tokens = {name: getattr(outcome.call.usage, name) for name in _TOKENS}
    tools = [{name: getattr(tool, name) for name in _TOOL} for tool in outcome.tool_calls]
    return _short(call, tokens, tools)


def told_stored(store: Reader, request_id: str, project: str = "default") -> dict[str, Any]:
    """A stored call, in the same words."""
    row = store.call(project, request_id)
    assert row is not None, request_id
    details = store.call_details(project, request_id)
    tools = [{name: tool[name] for name in _TOOL} for tool in details["tool_calls"]]
    return _short({name: row[name] for name in (*_SAME, "usage_source")}, {name: row[name] for name in _TOKENS}, tools)


def _short(call: Mapping[str, Any], tokens: Mapping[str, Any], tools: list[dict[str, Any]]) -> dict[str, Any]:
    usage = {name.removesuffix("_tokens"): count for name, count in tokens.items() if count is not None}
    found = {**call, "usage": usage or None, "tools": [_known(tool) for tool in tools] or None}
    del found["usage_source"]
    assert bool(usage) == (call["usage_source"] == "provider")
    return {**_known(found), "duration_ms": call["duration_ms"]}


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
