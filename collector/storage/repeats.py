"""
Messages that rows refer to: whether they are here, and the rows with them in their place again.

Flow: batches -> **lacking**, before anything is stored; payloads -> **WithMessages** -> every read of events.
A content lies among the blobs of its project and goes with its last reference, by what sees to media as well.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Text, or_, select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from collector.events import REFS, Batch
from collector.storage.tables import blobs
from collector.storage.touches import Key, are_of

_KEYS_AT_ONCE: Final = 500
_LONGEST_REF: Final = 200


def lacking(connection: Connection, batches: Sequence[Batch]) -> dict[int, frozenset[str]]:
    """
    Which batches refer to messages that are not here, by their place; nothing of those may be stored.

    What is found stays until the commit: who removes contents keeps ingest out, and waits for us before it looks.
    """
    needed = {place: batch.needed for place, batch in enumerate(batches) if batch.refs}
    keys = {(batches[place].project, sha256) for place, sha256s in needed.items() for sha256 in sha256s}
    if not keys:
        return {}
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE blobs IN ROW EXCLUSIVE MODE"))
    here = _those_here(connection, sorted(keys))
    found = {
        place: frozenset(sha256 for sha256 in sha256s if (batches[place].project, sha256) not in here)
        for place, sha256s in needed.items()
    }
    return {place: sha256s for place, sha256s in found.items() if sha256s}


def _those_here(connection: Connection, keys: Sequence[Key]) -> set[Key]:
    here: set[Key] = set()
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        some = are_of(blobs.c.project, blobs.c.sha256, keys[start : start + _KEYS_AT_ONCE])
        here.update(
            (project, sha256) for project, sha256 in connection.execute(select(blobs.c.project, blobs.c.sha256).where(some))
        )
    return here


def shows_blobs(row: Any) -> ColumnElement[bool]:
    """Whether a row of `events` refers to media or messages that are kept elsewhere."""
    return or_(row.payload.contains('"$blob"'), row.reduced.contains(f'"{REFS}"'))


class WithMessages(FunctionElement[str]):
    """A payload with the contents of its messages put back; for rows that have `refs` in `reduced`. Its project comes second."""

    type = Text()
    inherit_cache = True


@compiles(WithMessages, "sqlite")
def _of_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    payload, project = (compiler.process(clause, **options) for clause in element.clauses)
    # An object's value is its text; of others it is what they mean.
    told = (
        "coalesce(b.text, CAST(b.content AS TEXT), CASE WHEN m.type IN ('object', 'array') THEN m.value"
        " WHEN m.type IN ('true', 'false') THEN m.type ELSE json_quote(m.value) END)"
    )
    is_ref = f"m.type = 'object' AND length(m.value) < {_LONGEST_REF}"
    return (
        f"json_set({payload}, '$.messages', json((SELECT '[' || group_concat({told}, ',') || ']'"  # noqa: S608
        f" FROM json_each({payload}, '$.messages') AS m LEFT JOIN blobs AS b ON b.project = {project}"
        f" AND b.sha256 = CASE WHEN {is_ref} THEN substr(json_extract(m.value, '$.ref'), 8) END)))"
    )


@compiles(WithMessages, "postgresql")
def _of_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    payload, project = (compiler.process(clause, **options) for clause in element.clauses)
    messages = f"({payload}::json -> 'messages')"
    is_ref = f"json_typeof(m.value) = 'object' AND length(m.value::text) < {_LONGEST_REF}"
    # `json` keeps every text as it came, so the array is found in the payload as it stands there.
    return (
        f"replace({payload}, {messages}::text, (SELECT '[' || string_agg("  # noqa: S608
        f"coalesce(b.text, convert_from(b.content, 'UTF8'), m.value::text), ',' ORDER BY m.n) || ']'"
        f" FROM json_array_elements({messages}) WITH ORDINALITY AS m (value, n) LEFT JOIN blobs AS b ON b.project = {project}"
        f" AND b.sha256 = CASE WHEN {is_ref} THEN substr(m.value ->> 'ref', 8) END))"
    )
