"""
What a user's statement on PostgreSQL would do, read from the tree that PostgreSQL made of it.

Flow: sql_postgresql (a temporary view of the statement) -> **review** -> SqlRefused, or it may run.
The text says little: names hide in casts, operators, quoted and escaped identifiers. The view's stored tree names every relation
and function by its number. Whatever is not known to be harmless is refused, so a newer PostgreSQL gets no new holes.
"""

import re
from collections.abc import Iterable
from typing import Any, Final, LiteralString

from psycopg import Connection

from collector.errors import SqlRefused

_TREE: Final = "SELECT ev_action::text, oid::bigint FROM pg_catalog.pg_rewrite WHERE ev_class = %s"
_FUNCTIONS: Final = """
    SELECT p.proname, p.pronamespace = 'pg_catalog'::regnamespace, p.provolatile, p.prokind FROM pg_catalog.pg_proc p
    WHERE p.oid = ANY (%s) OR p.oid IN (SELECT o.oprcode FROM pg_catalog.pg_operator o WHERE o.oid = ANY (%s))
"""
# The tree names what came with PostgreSQL, the dependencies everything else: extensions, types and operators of other schemas.
_FOREIGN: Final = """
    SELECT pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0) FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = %s
      AND d.refclassid NOT IN ('pg_catalog.pg_collation'::regclass, 'pg_catalog.pg_namespace'::regclass)
      AND NOT (d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = ANY (%s))
    LIMIT 1
"""
_RELATIONS: Final = re.compile(r":relid (\d+)")
_CALLED: Final = re.compile(r":(?:funcid|opfuncid|aggfnoid|winfnoid|hashfuncid|negfuncid|tsmhandler) (\d+)")
_OPERATORS: Final = re.compile(r":opno (\d+)")
_OPERATOR_LISTS: Final = re.compile(r":opnos \(o([ \d]*)\)")
_COMMANDS: Final = re.compile(r":commandType (\d+)")
_SELECT: Final = "1"

# Immutable functions compute from their arguments alone. Of these names not all do, or they tell of files, logs and settings.
_TELLING: Final = re.compile(r"pg_.*|lo_.*|.*xml.*|xpath.*|has_.*|inet_(client|server)_.*|txid_.*|binary_upgrade_.*")
# Stable ones may read catalogs and settings: only those that read the clock, the time zone, or output functions of types.
_STABLE: Final = re.compile(
    r"age|anytextcat|textanycat|array_(in|out|to_json|to_string)|concat|concat_ws|convert|convert_(from|to)|current_database"
    r"|date|date_.*|extract|format|generate_series|in_range|interval|interval_.*|json_.*|jsonb_.*|length|make_timestamptz|now"
    r"|overlaps|plainto_tsquery|phraseto_tsquery|websearch_to_tsquery|ts_headline|ts_match_t[qt]|quote_literal|quote_nullable"
    r"|range_(in|out)|multirange_(in|out)|record_(in|out)|row_to_json|(statement|transaction)_timestamp|time|timetz|time_.*|timetz_.*"
    r"|timestamp|timestamptz|timestamp_.*|timestamptz_.*|timezone|to_(char|date|json|jsonb|number|timestamp|tsquery|tsvector)|version"
)
_VOLATILE: Final = frozenset({"random", "random_normal", "clock_timestamp", "gen_random_uuid", "uuidv4", "uuidv7", "timeofday"})
_HARMLESS: Final = frozenset({"pg_typeof", "pg_column_size", "pg_size_pretty", "pg_size_bytes", "pg_input_is_valid"})


def review(connection: Connection[Any], view: int, allowed: Iterable[int]) -> None:
    """Whether the view may be selected from; `allowed` are the relations that it may read. Raises SqlRefused."""
    (tree, rule) = _one(connection, _TREE, (view,))
    known = {view, *allowed}
    relations = {int(number) for number in _RELATIONS.findall(tree)}
    if not relations <= known:
        (name,) = _one(connection, "SELECT %s::oid::regclass::text", (min(relations - known),))
        raise SqlRefused(f"not allowed: reading {name}")
    if set(_COMMANDS.findall(tree)) != {_SELECT}:
        raise SqlRefused("not allowed: only SELECT can be run here")
    foreign = connection.execute(_FOREIGN, (rule, list(known))).fetchone()
    if foreign is not None:
        raise SqlRefused(f"not allowed: {foreign[0]}")
    functions = [int(number) for number in _CALLED.findall(tree)]
    operators = [int(number) for number in _OPERATORS.findall(tree)]
    operators += [int(number) for numbers in _OPERATOR_LISTS.findall(tree) for number in numbers.split()]
    for name, is_own, volatility, kind in connection.execute(_FUNCTIONS, (functions, operators)).fetchall():
        if not (is_own and _may_call(name, volatility, kind)):
            raise SqlRefused(f"not allowed: the function {name}()")


def _may_call(name: str, volatility: str, kind: str) -> bool:
    if name in _HARMLESS:
        return True
    if _TELLING.fullmatch(name):
        return False
    if kind in "aw" or volatility == "i":
        return True
    return name in _VOLATILE if volatility == "v" else _STABLE.fullmatch(name) is not None


def _one(connection: Connection[Any], statement: LiteralString, values: tuple[Any, ...]) -> Any:
    found = connection.execute(statement, values).fetchone()
    assert found is not None
    return found
