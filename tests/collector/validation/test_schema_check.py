"""
What is noted about events that differ from the catalogue.
"""

import json
from typing import Any, NotRequired, TypedDict

import pytest

from collector.validation.schema_check import SchemaCheck
from tests.fakes.posts import TANSTACK_FILES, event, read, row_of, tanstack_lines


class Thing(TypedDict):
    timestamp: float
    name: str
    count: NotRequired[int]
    items: NotRequired[list[dict[str, Any]]]


def issues_of(value: dict[str, Any], type_name: str = "thing") -> dict[str, str]:
    issues: dict[str, str] = {}
    SchemaCheck({"thing": Thing}).add_issues(type_name, value, issues)
    return issues


def test_event_that_fits_has_no_issues():
    """
    Unknown fields are none.
    """
    assert {} == issues_of({"timestamp": 1, "name": "x", "extra": object})


def test_every_difference_is_told_and_not_only_the_first():
    """
    Missing fields and fields of another type, those inside lists too.
    """
    assert {"name", "count", "items"} == set(issues_of({"timestamp": 1.5, "count": "x", "items": [{}, 5]}))


def test_unknown_type_is_one_issue():
    """
    Stored all the same.
    """
    assert ["type"] == list(issues_of({"anything": 1}, "no:such:type"))
    row = row_of(event(type="stream:chunk:content"))
    assert ["type: not in the catalogue"] == json.loads(row.schema_issues or "[]")


def test_whole_numbers_fit_where_numbers_may_have_a_fraction():
    """
    JSON has one kind of number; a huge one is no crash.
    """
    assert {} == issues_of({"timestamp": 10**30, "name": "x"})


@pytest.mark.parametrize("name", TANSTACK_FILES)
def test_recorded_events_fit_the_catalogue(name):
    """
    Real messages of TanStack AI 0.58 differ nowhere.
    """
    batch = read(b"\n".join(tanstack_lines(name)), media="ndjson").batch
    assert [] == [(row.type, row.schema_issues) for row in batch.events if row.schema_issues]
