"""
Which bodies are read, and what one bad event does to the others.
"""

import json
import time

import pytest

from collector.errors import BadRequest, TooLarge
from tests.fakes.posts import event, read, read_events

A, B = event(eventId="a"), event(eventId="b")
DEEP = "[" * 10_000 + "]" * 10_000


def ids(result):
    return [row.event_id for row in result.batch.events]


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (json.dumps([A, B]), "json"),
        (json.dumps([A, B], indent=3), "json"),
        (json.dumps({"events": [A, B]}), "json"),
        (json.dumps({"resource": {"service.name": "s"}, "events": [A, B]}), "json"),
        ("\ufeff" + json.dumps([A, B]), "json"),
        (f"{json.dumps(A)}\n{json.dumps(B)}", "ndjson"),
        (f"\n{json.dumps(A)}\r\n \n{json.dumps(B)}\n\n", "ndjson"),
    ],
)
def test_every_form_gives_the_same_events(body, media):
    """
    An array, with a resource, NDJSON with blank lines and CRLF, with a byte order mark: two events each.
    """
    result = read(body, media=media)
    assert ["a", "b"] == ids(result)
    assert () == result.rejected


def test_one_object_is_one_event():
    """
    An object with a type is an event, even one that has a field `events`.
    """
    assert ["a"] == ids(read(json.dumps({**A, "events": [1]})))


@pytest.mark.parametrize(("body", "media"), [("[]", "json"), ('{"events":[]}', "json"), ("", "ndjson"), ("\n\n", "ndjson")])
def test_nothing_is_a_legal_number_of_events(body, media):
    """
    An empty list is no error.
    """
    result = read(body, media=media)
    assert ((), ()) == (result.batch.events, result.rejected)


@pytest.mark.parametrize(
    "body",
    ["", " ", "{", "[", "]", "[1", '[{"type":"a"]', '[{"type":"a"}]]', "[1,]", "[,]", '{"events":5}', '{"resource":{}}', "nul",
     "[NaN]", "[Infinity]", '[{"type":"a","x":NaN}]', '{"type":"a",}', "['a']", '{"type" "a"}', '[{"type":"\\x"}]',
     '{"a" "b", "events": []}', "[1 2]", '["' + '\\"' * 1000, "[01]", '[{"type":"\t"}]'],
)  # fmt: skip
def test_what_is_not_json_is_refused_as_a_whole(body):
    """
    A body whose grammar is broken stores nothing.
    """
    with pytest.raises(BadRequest):
        read(body)


def test_bad_line_of_ndjson_is_a_rejected_index_and_nothing_more():
    """
    The other lines are stored; the index counts lines that aren't blank.
    """
    result = read(f"{json.dumps(A)}\n\n{{broken\n{json.dumps(B)}\n[1]\n", media="ndjson")
    assert ["a", "b"] == ids(result)
    assert [(1, "not_an_object"), (3, "not_an_object")] == [(r.index, r.code) for r in result.rejected]


@pytest.mark.parametrize("value", [None, True, 5, "text", [A], 1.5])
def test_value_that_is_no_object_is_rejected_beside_good_ones(value):
    """
    Numbers, texts, arrays and null are no events.
    """
    result = read_events(A, value, B)
    assert ["a", "b"] == ids(result)
    assert [(1, "not_an_object")] == [(r.index, r.code) for r in result.rejected]


@pytest.mark.parametrize("whole", ["5", '"x"', "null", "true"])
def test_body_of_one_value_is_one_rejected_event(whole):
    """
    It is JSON, and it is no event.
    """
    assert ["not_an_object"] == [r.code for r in read(whole).rejected]


@pytest.mark.parametrize(
    "bad",
    [DEEP, '{"type":"t","x":' + DEEP + "}", '{"a":' * 5000 + "1" + "}" * 5000, '{"type":"t","x":' + "[" * 64 + "]" * 64 + "}"],
)
@pytest.mark.parametrize("form", ["[%s,%s,%s]", '{"resource":{"service.name":"s"},"events":[%s,%s,%s]}', "%s\n%s\n%s"])
def test_event_that_is_too_deep_does_not_take_others_with_it(bad, form):
    """
    64 levels are allowed, and 10,000 are no danger to the process.
    """
    result = read(form % (json.dumps(A), bad, json.dumps(B)), media="ndjson" if "\n" in form else "json")
    assert ["a", "b"] == ids(result)
    assert [(1, "too_deep")] == [(r.index, r.code) for r in result.rejected]


def test_sixty_four_levels_are_stored():
    """
    The event counts as the first of them.
    """
    nested = json.loads("[" * 63 + "]" * 63)
    assert 1 == len(read_events(event(x=nested)).batch.events)


def test_event_over_the_limit_is_rejected_alone():
    """
    8 MiB by default; the others are stored.
    """
    result = read_events(A, event(eventId="c", text="x" * 300), B, event_bytes=250)
    assert ["a", "b"] == ids(result)
    assert [(1, "too_large")] == [(r.index, r.code) for r in result.rejected]


def test_too_many_events_are_refused_as_a_whole():
    """
    10,000 by default.
    """
    with pytest.raises(TooLarge):
        read_events(A, B, A, events=2)


def test_bracket_bomb_is_refused_quickly():
    """
    Megabytes of brackets must not keep the process busy.
    """
    began = time.perf_counter()
    with pytest.raises(TooLarge):
        read("[" + "[" * 8_000_000 + "]" * 8_000_000 + "]")
    assert time.perf_counter() - began < 60


def test_string_without_end_takes_one_pass():
    """
    A quote that never closes, among many that look like ones, is found in linear time.
    """
    began = time.perf_counter()
    with pytest.raises(BadRequest):
        read('["\\ud800", "' + '\\"' * 200_000)
    assert time.perf_counter() - began < 60


def test_resource_is_kept_with_its_service():
    """
    `service.name` is the row's service; the id is the same in any order of attributes.
    """
    one = read(json.dumps({"resource": {"service.name": "checkout", "host.name": "h"}, "events": [A]})).batch
    other = read(json.dumps({"resource": {"host.name": "h", "service.name": "checkout"}, "events": [A]})).batch
    assert "checkout" == one.resource.service == one.events[0].service
    assert one.resource.resource_id == other.resource.resource_id == one.events[0].resource_id
    assert {"service.name": "checkout", "host.name": "h"} == one.resource.attributes


@pytest.mark.parametrize("resource", [None, 5, "x", [], {}, {"service.name": 7}, {"service.name": ""}])
def test_sender_without_a_name_is_unknown_service(resource):
    """
    A resource that says nothing, or is none at all, costs no event.
    """
    batch = read(json.dumps({"resource": resource, "events": [A]})).batch
    assert "unknown_service" == batch.resource.service
    assert ["a"] == [row.event_id for row in batch.events]


def test_different_resources_have_different_ids():
    """
    A second process of the same service is another resource.
    """
    batches = [read(json.dumps({"resource": {"service.name": "s", "process.pid": pid}, "events": []})).batch for pid in (1, 2)]
    assert batches[0].resource.resource_id != batches[1].resource.resource_id


@pytest.mark.parametrize("resource", ["x" * 70_000, json.loads("[" * 100 + "]" * 100)])
def test_monstrous_resource_is_refused(resource):
    """
    Attributes are few and flat.
    """
    with pytest.raises((TooLarge, BadRequest)):
        read(json.dumps({"resource": {"a": resource}, "events": [A]}))
