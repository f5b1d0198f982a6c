"""
Query parameters become filters.
"""

import pytest
from pydantic import ValidationError

from collector.errors import BadRequest
from collector.query.parameters import CallQuery, EventQuery, StatsQuery
from collector.storage.protocols import CallFilter, EventFilter


def test_parameters_become_a_filter_of_the_project() -> None:
    """
    Lists stay lists, empty values say nothing, times become milliseconds.
    """
    query = EventQuery(type=["a", "!b", ""], since="10", until="", limit=7, cursor="")  # pyright: ignore[reportCallIssue]

    assert EventFilter(project="p", type=("a", "!b"), since_ms=10, limit=7) == query.to_filter("p")


def test_call_query_has_duration_and_text() -> None:
    """
    `min_duration_ms` and `q` reach the filter.
    """
    query = CallQuery(status=["error"], min_duration_ms=1.5, q="hi")  # pyright: ignore[reportCallIssue]

    assert CallFilter(project="p", status=("error",), min_duration_ms=1.5, q="hi") == query.to_filter("p")


@pytest.mark.parametrize("given", [{"typ": ["x"]}, {"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"type": ["x"] * 101}])
def test_unknown_or_impossible_parameters_are_refused(given: dict[str, object]) -> None:
    """
    A misspelt filter that filters nothing would be worse than an error.
    """
    with pytest.raises(ValidationError):
        EventQuery.model_validate(given)


@pytest.mark.parametrize("given", [{"type": ["!"]}, {"model": ["a\0b"]}, {"cursor": "\0"}])
def test_values_that_can_match_nothing_are_refused(given: dict[str, object]) -> None:
    """
    A lone `!` and a NUL, which PostgreSQL can't even be asked for.
    """
    with pytest.raises(BadRequest):
        EventQuery.model_validate(given).to_filter("p")


def test_stats_are_grouped_by_known_columns_only() -> None:
    """
    Anything else is refused, with the list of what there is.
    """
    assert "model" == StatsQuery(by="model").group()
    assert StatsQuery(by="").group() is None
    with pytest.raises(BadRequest, match="provider"):
        StatsQuery(by="payload").group()
