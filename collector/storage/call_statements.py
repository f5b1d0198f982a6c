"""
The statements behind the page of a call, for people to copy and go on from.

Flow: **here** -> web -> the SQL view, psql, sqlite3. Never executed by us. A request id is somebody else's text, so it is quoted.
"""

from typing import NamedTuple


class Statement(NamedTuple):
    """A statement and what it gives."""

    title: str
    sql: str


def quote(text: str) -> str:
    """A text literal. Backslashes mean nothing in standard SQL, and no stored text has a NUL."""
    return "'" + text.replace("'", "''") + "'"


def statements_of_call(request_id: str, trace_id: str | None) -> list[Statement]:
    """What the tabs of a call show, as SQL."""
    call = quote(request_id)
    made = [
        Statement("The call", f"SELECT * FROM calls\nWHERE request_id = {call};"),  # noqa: S608 - shown, not run
        Statement(
            "Its events, in order",
            "SELECT timestamp, type, sequence, payload\nFROM events\n"
            f"WHERE request_id = {call}\nORDER BY timestamp, fraction, sequence, arrival\nLIMIT 1000;",
        ),
        Statement(
            "The pieces of its stream",
            f"SELECT n, at_ms, gap_ms, kind, delta\nFROM chunks\nWHERE request_id = {call}\nORDER BY n\nLIMIT 1000;",
        ),
        Statement(
            "Where the stream stalled",
            f"SELECT n, gap_ms, kind, delta\nFROM chunks\nWHERE request_id = {call} AND gap_ms IS NOT NULL\n"
            "ORDER BY gap_ms DESC\nLIMIT 20;",
        ),
        Statement(
            "The tools that were called",
            "SELECT n, tool_name, status, duration_ms, arguments, result, error\nFROM tool_calls\n"
            f"WHERE request_id = {call}\nORDER BY n;",
        ),
        Statement(
            "Each usage that was counted",
            f"SELECT * FROM token_usage\nWHERE request_id = {call}\nORDER BY n;",  # noqa: S608
        ),
        Statement(
            "What is wrong with its record",
            f"SELECT * FROM trace_health\nWHERE request_id = {call};",  # noqa: S608
        ),
    ]
    if trace_id:
        made.insert(
            1,
            Statement(
                "Its trace",
                "SELECT span_id, parent_span_id, kind, name, duration_ms, status, request_id\nFROM spans\n"
                f"WHERE trace_id = {quote(trace_id)}\nORDER BY start_ns;",
            ),
        )
    return made
