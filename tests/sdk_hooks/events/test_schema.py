"""The generated files are those of the code, and the schema means what the TypedDicts mean."""

from typing import Any

import pytest

from sdk_hooks.events import EVENT_TYPES
from sdk_hooks.events.schema import DOCS, json_schema, page_text, schema_text


@pytest.mark.parametrize(("name", "text"), [("events.schema.json", schema_text), ("events.md", page_text)])
def test_committed_file_is_current(name: str, text: Any):
    """`make gen` was run after the last change."""
    assert text() == (DOCS / name).read_text(encoding="utf-8"), f"docs/{name} is out of date: run `make gen`"


def test_every_type_has_a_condition_and_every_reference_a_definition():
    """Nothing dangles."""
    schema = json_schema()
    named = {part["if"]["properties"]["type"]["const"]: part["then"]["$ref"] for part in schema["allOf"][1:]}
    assert set(EVENT_TYPES) == set(named)
    defined = {f"#/$defs/{name}" for name in schema["$defs"]}
    assert set(_references(schema)) <= defined


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for value in node.values() for found in _references(value)]
    return [found for value in node for found in _references(value)] if isinstance(node, list) else []


def test_schema_requires_what_the_catalogue_requires():
    """Two spot checks down to the fields."""
    shapes = json_schema()["$defs"]
    assert ["duration", "images", "model", "provider", "requestId", "timestamp", "type"] == shapes["ImageRequestCompletedEvent"][
        "required"
    ]
    assert {"type": "number"} == shapes["ImageRequestCompletedEvent"]["properties"]["duration"]
    assert {"enum": ["create", "status", "url"]} == shapes["VideoRequestStartedEvent"]["properties"]["requestType"]


def test_page_names_every_type():
    """The reference has a heading a type."""
    page = page_text()
    assert all(f"### `{name}`\n" in page for name in EVENT_TYPES)
