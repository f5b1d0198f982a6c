"""
Ids that follow from what they name.
"""

import hashlib
import re

from hypothesis import given
from hypothesis import strategies as st

from collector.assembly.ids import call_span_id, not_zero, span_id, tool_span_id, trace_id

names = st.text(max_size=8)


@given(names, names, names, names)
def test_ids_are_lower_case_hex_of_the_right_length(project: str, request_id: str, role: str, key: str) -> None:
    """Whatever the names are, lone surrogates included, the id is legal and the same each time."""
    found = span_id(project, request_id, role, key)

    assert re.fullmatch("[0-9a-f]{16}", found)
    assert re.fullmatch("[0-9a-f]{32}", trace_id(project, key))
    assert found == span_id(project, request_id, role, key)


@given(st.tuples(names, names, names, names), st.tuples(names, names, names, names))
def test_different_things_have_different_ids(one: tuple[str, str, str, str], other: tuple[str, str, str, str]) -> None:
    """Parts don't run into each other: ("ab", "c") is not ("a", "bc")."""
    assert (one == other) == (span_id(*one) == span_id(*other))


def test_project_request_role_and_key_all_count() -> None:
    """Each of the four makes another id."""
    found = {
        span_id("p", "r", "call", ""),
        span_id("q", "r", "call", ""),
        span_id("p", "s", "call", ""),
        span_id("p", "r", "tool", ""),
        span_id("p", "r", "call", "k"),
    }

    assert 5 == len(found)


def test_an_id_is_never_zero() -> None:
    """All zeros means "none" in W3C trace context."""
    assert b"\0\0\1" == not_zero(b"\0\0\0")
    assert b"\0\1\0" == not_zero(b"\0\1\0")


def test_ids_stay_what_they_are_from_release_to_release() -> None:
    """`reassemble` after an update must not give exported spans new ids."""
    assert hashlib.sha256(b"7:default5:trace5:run-1").hexdigest()[:32] == trace_id("default", "run-1")
    assert hashlib.sha256(b"7:default5:req-14:call0:").hexdigest()[:16] == call_span_id("default", "req-1")
    assert hashlib.sha256(b"7:default5:req-14:tool2:t1").hexdigest()[:16] == tool_span_id("default", "req-1", "t1")
