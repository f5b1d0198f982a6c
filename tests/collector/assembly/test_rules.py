"""
The table of rules is complete, and disjoint from what is only stored.
"""

import json

import pytest

from collector.assembly.rules import RULES, STORED_ONLY
from sdk_hooks.events import EVENT_TYPES
from tests.collector.assembly.stored import assembled, event, started
from tests.fakes.required import shared


def test_every_known_event_type_is_in_exactly_one_table() -> None:
    """A new type in the schema fails here until somebody decides what it does to a call."""
    assert set() == set(EVENT_TYPES) - set(RULES) - STORED_ONLY
    assert set() == set(RULES) & STORED_ONLY


def test_stored_only_names_no_type_that_does_not_exist() -> None:
    """A misspelt row would hide a type that has no rule."""
    assert set() == STORED_ONLY - set(EVENT_TYPES)


def test_the_catalogue_of_the_design_is_covered() -> None:
    """All types of TanStack AI's event client, as the design lists them."""
    catalogue = shared("design", "events.json")

    assert set() == set(json.loads(catalogue.read_text())["events"]) - set(RULES) - STORED_ONLY


@pytest.mark.parametrize("event_type", sorted(RULES))
def test_a_rule_takes_an_event_without_any_field(event_type: str) -> None:
    """Nothing is required of a sender: an event that says nothing breaks nothing."""
    outcome = assembled(started(), event(event_type, 5))

    assert "req-1" == outcome.call.request_id


def test_an_unknown_type_is_a_sign_of_life_and_nothing_else() -> None:
    """Names from before January 2026 may still arrive."""
    outcome = assembled(started(), event("stream:chunk:content", 40, delta="x"))

    assert ("running", 0) == (outcome.call.status, outcome.call.chunk_count)
