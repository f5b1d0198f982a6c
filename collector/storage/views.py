"""
The views, as our own reads see them; `migrations/` has their SQL.

Flow: call_reads -> **trace_health**. Not in `tables.metadata`: a view is no table to a migration.
"""

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
