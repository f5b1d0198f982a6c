"""
What people type into the filter bar.
"""

import pytest

from collector.query.filter_text import parse_filter


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("refund policy", [("q", "refund policy")]),
        ("model:gpt-4o", [("model", "gpt-4o")]),
        ("-status:ok", [("status", "!ok")]),
        ("kind:chat client:web session:s1", [("operation", "chat"), ("client_id", "web"), ("session_id", "s1")]),
        ("client_id:web", [("client_id", "web")]),
        ('client:"two words" -tool:"get weather"', [("client_id", "two words"), ("tool", "!get weather")]),
        ('"model:gpt-4o"', [("q", "model:gpt-4o")]),
        ("http://host/path", [("q", "http://host/path")]),
        ("colour:red model:x", [("model", "x"), ("q", "colour:red")]),
        ("model:", [("q", "model:")]),
        ("model:! -model:!", []),
        ("slower:2000 -slower:5", [("min_duration_ms", "2000"), ("min_duration_ms", "5")]),
        ("  ", []),
    ],
)
def test_words_become_parameters(typed: str, meant: list[tuple[str, str]]) -> None:
    """
    Known keys are filters, a minus leaves out, quotes hold spaces, and everything else is text to look for.
    """
    assert meant == parse_filter(typed)
