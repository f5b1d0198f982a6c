"""
Columns as PostgreSQL's binary arrays: what the server reads is what was given.
"""

import struct
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from collector.storage.postgresql_arrays import OIDS, Kind, array_of, register

COLUMNS: list[tuple[Kind, Sequence[Any]]] = [
    ("text", ["a", None, "", "ü\n\t\\\"{},' 🪝", "NULL"]),
    ("text", ["same"] * 3),
    ("text", [None, None]),
    ("text", []),
    ("bigint", [0, -1, 2**63 - 1, -(2**63), None]),
    ("integer", [1, None, -(2**31)]),
    ("double precision", [1, 2.5, -0.0, 1e308, None]),
    ("boolean", [True, False, None]),
    ("bytea", [b"\0\xff", b"", None]),
]


@pytest.mark.parametrize(("kind", "values"), COLUMNS)
def test_server_reads_what_was_given(postgres_url: str, kind: Kind, values: Sequence[Any]):
    """
    Of each type: every value, NULL, no value at all, the same value in every row.
    """
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as driver:
        register(driver.adapters)
        found = driver.execute(f"SELECT %b::{kind}[]".encode(), [array_of(kind, values)]).fetchone()

    assert (list(values),) == found


def test_types_have_the_catalogues_numbers(postgres_url: str):
    """
    The numbers written down here are the server's.
    """
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as driver:
        for kind, numbers in OIDS.items():
            assert numbers == driver.execute("SELECT oid, typarray FROM pg_type WHERE oid = %s::regtype", [kind]).fetchone()


ODD: list[tuple[Kind, Any]] = [("bigint", 2**63), ("integer", 2**31), ("text", "\ud800"), ("double precision", "1")]


@pytest.mark.parametrize(("kind", "value"), ODD)
def test_value_that_does_not_fit_is_refused_here(kind: Kind, value: Any):
    """
    Before anything is sent: the group is then stored batch by batch, and only the odd one is refused.
    """
    with pytest.raises((struct.error, UnicodeEncodeError)):
        array_of(kind, [value, None])
