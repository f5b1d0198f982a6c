"""
A list of calls as the SELECT that a user would write for it. Only shown, never run by us.

Flow: CallFilter -> **text** -> "copy as SQL". The same text means the same on every engine.
"""

from collections.abc import Sequence

from collector.storage.call_statements import quote
from collector.storage.protocols import CallFilter

_COLUMNS = (
    "request_id, start_ms, operation, model, status,\n"
    "       duration_ms, time_to_first_chunk_ms, input_tokens, output_tokens,\n"
    "       cache_read_tokens, cost_usd, service, client_id, prompt_preview"
)
_LISTS = ("request_id", "status", "operation", "provider", "model", "service", "client_id", "session_id")


def calls_as_sql(query: CallFilter) -> str:
    """The SELECT, without the cursor: it begins with the newest call."""
    where = [f"project = {quote(query.project)}"]
    for name in _LISTS:
        where += _matches(name, getattr(query, name))
    where += _tools(query.tool)
    if query.min_duration_ms is not None:
        where.append(f"duration_ms >= {query.min_duration_ms:g}")
    if query.q:
        pattern = quote(f"%{_escaped(query.q)}%")
        found = [f"lower({name}) LIKE lower({pattern}) ESCAPE '/'" for name in ("prompt_preview", "answer_preview")]
        where.append(f"({' OR '.join(found)})")
    if query.since_ms is not None:
        where.append(f"start_ms >= {query.since_ms}")
    if query.until_ms is not None:
        where.append(f"start_ms < {query.until_ms}")
    conditions = "\n  AND ".join(where)
    return f"SELECT {_COLUMNS}\nFROM calls\nWHERE {conditions}\nORDER BY start_ms DESC, request_id DESC\nLIMIT {query.limit}"


def _matches(name: str, values: Sequence[str]) -> list[str]:
    wanted = [quote(value) for value in values if not value.startswith("!")]
    excluded = [quote(value[1:]) for value in values if value.startswith("!")]
    conditions = [f"{name} IN ({', '.join(wanted)})"] if wanted else []
    return [*conditions, f"({name} IS NULL OR {name} NOT IN ({', '.join(excluded)}))"] if excluded else conditions


def _tools(values: Sequence[str]) -> list[str]:
    def called(names: Sequence[str]) -> str:
        is_same_call = "t.project = calls.project AND t.request_id = calls.request_id"
        found = f"{is_same_call} AND t.tool_name IN ({', '.join(names)})"
        return f"EXISTS (SELECT 1 FROM tool_calls AS t WHERE {found})"  # noqa: S608 - shown, never run by us

    wanted = [quote(value) for value in values if not value.startswith("!")]
    excluded = [quote(value[1:]) for value in values if value.startswith("!")]
    conditions = [called(wanted)] if wanted else []
    return [*conditions, f"NOT {called(excluded)}"] if excluded else conditions


def _escaped(text: str) -> str:
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")
