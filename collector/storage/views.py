"""
The views, as our own reads see them; `migrations/` has their SQL.

Flow: call_reads -> **trace_health** ; detail_reads -> **the types that `chunks` reads**.
Not in `tables.metadata`: a view is no table to a migration.
"""

from collections.abc import Mapping

from sqlalchemy import Boolean, Column, Double, MetaData, Table, Text

_metadata = MetaData()


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean)


trace_health = Table(
    "trace_health",
    _metadata,
    Column("project", Text),
    Column("request_id", Text),
    Column("trace_id", Text),
    _flag("missing_terminal"),
    _flag("missing_start"),
    _flag("missing_usage"),
    _flag("late"),
    Column("skew_ms", Double),
    _flag("orphan_parent"),
    _flag("truncated"),
    _flag("sequence_gap"),
)

PIECE_KINDS: Mapping[str, str] = {
    "text:chunk:content": "content",
    "text:chunk:thinking": "thinking",
    "text:chunk:tool-call": "tool_call",
    "text:chunk:tool-result": "tool_result",
    "response.output_text.delta": "content",
    "response.refusal.delta": "content",
    "response.reasoning_text.delta": "thinking",
    "response.reasoning_summary_text.delta": "thinking",
    "response.audio.transcript.delta": "content",
    "response.function_call_arguments.delta": "tool_call",
    "response.custom_tool_call_input.delta": "tool_call",
    "response.mcp_call_arguments.delta": "tool_call",
    "response.code_interpreter_call_code.delta": "tool_call",
    "output_text_delta": "content",
    "OutputText": "content",
}
"""Event types that `chunks` takes apart, and what their text is; a test holds the two together."""

SOMETIMES_PIECES = frozenset({"OutputText"})
"""Of these only those that say so (`isDelta`)."""
