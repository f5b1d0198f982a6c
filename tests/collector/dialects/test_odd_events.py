"""
Whatever stands in a foreign event, it becomes calls: nothing that a sender writes stops assembly.
"""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from collector.assembly.assembler import assemble
from collector.dialects import DIALECTS
from tests.collector.assembly.stored import no_price, stored_calls
from tests.fakes.foreign import STEP_MS, T0, enveloped, responses_stream
from tests.fakes.foreign_stories import STORIES
from tests.fakes.posts import read_events

ODD: list[Any] = [
    None,
    True,
    -1,
    1e300,
    "",
    "x",
    "ig_1",
    [],
    [None],
    [[]],
    [{"type": 5}],
    {},
    {"id": 5, "type": []},
    {"$blob": 3},
]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (holder, key) below a value."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _spoilt(posts: list[dict[str, Any]], chance: random.Random) -> list[dict[str, Any]]:
    spoilt = copy.deepcopy(posts)
    for post in spoilt:
        for _ in range(chance.randint(0, 2)):
            holder, key = chance.choice(list(_places(post["payload"])))
            holder[key] = copy.deepcopy(chance.choice(ODD))
    return spoilt


@pytest.mark.parametrize("rounds", [15, pytest.param(60, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", STORIES)
def test_spoilt_events_still_become_calls(name: str, rounds: int) -> None:
    """
    Anything in the place of anything: all rows are stored, and every call is assembled.
    """
    chance = random.Random(f"{name} {rounds}")
    for _ in range(rounds):
        posts = _spoilt(STORIES[name], chance)
        result = read_events(*posts)
        assert () == result.rejected
        for request_id, call in stored_calls([result.batch]).items():
            outcome = assemble(call, price=no_price, capture_content=True)
            assert request_id == outcome.call.request_id
            json.dumps([span.attributes for span in outcome.spans])


def test_events_of_an_image_never_end_its_stream() -> None:
    """
    All events of an image, its stream's end among the missing: the stream runs on.
    """
    posts = [post for post in enveloped("openai", responses_stream(), request_id="r1") if "image" in post["type"]]
    calls = stored_calls([read_events(*posts).batch])

    assert {"r1": "running", "r1/ig_1": "ok"} == {
        name: assemble(call, price=no_price).call.status for name, call in calls.items()
    }


def test_two_images_of_a_response_are_two_calls() -> None:
    """
    One row names both; each has its own bytes.
    """
    items = [
        {"id": f"ig_{n}", "type": "image_generation_call", "status": "completed", "result": f"aW1hZ2Ug{n}{n}{n}{n}"} for n in "12"
    ]
    done = {"type": "response.completed", "response": {"id": "resp_1", "model": "m", "status": "completed", "output": items}}
    batch = read_events(*enveloped("openai", [done], request_id=None)).batch
    images = {name: assemble(call, price=no_price).call for name, call in stored_calls([batch]).items() if name != "resp_1"}

    assert ["resp_1/ig_1", "resp_1/ig_2"] == list(images)
    assert [(1, "ok", "resp_1")] * 2 == [(call.image_count, call.status, call.parent_request_id) for call in images.values()]
    assert 2 == len(batch.blobs)


def test_image_whose_name_is_too_long_makes_no_call() -> None:
    """
    It could not be taken apart again; its row is kept as it is.
    """
    event = {"type": "response.image_generation_call.completed", "item_id": "i" * 600, "output_index": 0, "sequence_number": 1}
    batch = read_events(*enveloped("openai", [event], request_id="r1")).batch

    assert (1, ["r1"]) == (len(batch.events), [touch.request_id for touch in batch.touches])


def test_each_piece_of_a_long_stream_is_told_once() -> None:
    """
    One canonical event a row, each with an id of its own, in the stream's order.
    """
    piece = {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "word "}
    posts = enveloped("openai", [{**piece, "sequence_number": n} for n in range(2_000)], request_id="r1", at_ms=T0)
    (call,) = stored_calls([read_events(*posts).batch]).values()
    told = DIALECTS["openai"].canonical(call.events, "r1")

    assert 2_000 == len(told) == len({event.event_id for event in told})
    assert T0 + 1_999 * STEP_MS == told[-1].timestamp_ms
