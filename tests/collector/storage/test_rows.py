"""
What is read back from JSON columns.
"""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.storage.rows import read_json

_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=9), inner, max_size=4)),
    max_leaves=10,
)


@settings(deadline=None)
@given(_VALUES)
def test_json_is_read_as_python_reads_it(value: Any) -> None:
    """
    The same values of the same types, however they were written.
    """
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, separators=(",", ":"))):
        assert repr(json.loads(text)) == repr(read_json(text))


@pytest.mark.parametrize("text", ['{"a":1e999}', '"\\ud800"', "[-Infinity]", '{"a":1,"a":2}', "1E5", "-0", "-0.0", '"\ud800"'])
def test_odd_json_is_read_as_python_reads_it(text: str) -> None:
    """
    What a stricter reader would refuse.
    """
    assert repr(json.loads(text)) == repr(read_json(text))
