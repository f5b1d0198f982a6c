"""
Raw events of other SDKs through HTTP into both databases, against the golden answers: calls, durations, usage, tools, images.
"""

import base64
import json
import random
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest

from collector.pipeline.pipeline import Pipeline
from collector.storage.engines import open_store
from collector.storage.protocols import Store
from tests.collector.dialects.test_stories import answers
from tests.end_to_end.database import count, query
from tests.fakes.clock import FakeClock
from tests.fakes.foreign import PHOTO, PNG, SKETCH, SPOKEN
from tests.fakes.foreign_stories import STORIES
from tests.fakes.running import running_collector
from tests.fakes.told import told_stored

TOLD = ("openai: stream", "openrouter: stream", "openai-agents: stream", "aisbreaker: image", "aisbreaker: text")
LATER_MS = 60_000

Posts = list[dict[str, Any]]


def renamed(name: str) -> Posts:
    """The posts of a story under a requestId of its own, so that all fit into one database."""
    return [{**post, "context": {**post["context"], "requestId": name}} for post in STORIES[name]]


def expected() -> dict[str, Any]:
    """The golden calls under those names."""
    told: dict[str, Any] = {}
    for name in STORIES:
        for request_id, call in answers()[name].items():
            parent = {"parent_request_id": name} if "parent_request_id" in call else {}
            told[request_id.replace("r1", name, 1)] = {**call, **parent}
    return told


def post_all(store_url: str, bodies: Iterable[Posts]) -> None:
    """Give these to a collector, one POST each. It settles nothing: that is `assembled`'s, with a clock of its own."""
    with running_collector(store_url, settle_ms=600_000) as collector:
        for body in bodies:
            answer = collector.ask("POST", "/v1/events", body=body)
            assert (200, []) == (answer.status, answer.json["rejected"])


@contextmanager
def assembled(store_url: str) -> Iterator[Store]:
    """The store with every call settled, or looked at as long as it runs."""
    store = open_store(store_url, settle_ms=0)
    try:
        clock = FakeClock(round(time.time() * 1000) + LATER_MS)
        pipeline = Pipeline(store, (), settle_ms=0, idle_timeout_ms=1_800_000, clock=clock)
        store.mark_all_dirty(project=None, request_id=None, now_ms=clock.now_ms() - LATER_MS)
        while pipeline.run_once():
            pass
        yield store
    finally:
        store.close()


def told_all(store: Store, store_url: str) -> dict[str, Any]:
    names = [row["request_id"] for row in query(store_url, "SELECT request_id FROM calls")]
    return {name: told_stored(store, name) for name in names}


@pytest.mark.parametrize("way", [pytest.param("story by story", marks=pytest.mark.long), "shuffled and doubled"])
def test_stories_become_the_calls_of_the_answers(store_url: str, way: str) -> None:
    """
    One row an event; every call is what the answers say, however the posts came, and images are calls below their stream's.
    """
    bodies = [renamed(name) for name in STORIES]
    events = [post for body in bodies for post in body]
    if way != "story by story":
        random.Random(11).shuffle(events)
        bodies = [events[n : n + 40] for n in range(0, len(events), 40)] + [events]
    post_all(store_url, bodies)

    assert len(events) == count(store_url, "SELECT count(*) FROM events")
    with assembled(store_url) as store:
        assert expected() == told_all(store, store_url)


def test_images_and_speech_are_stored(store_url: str) -> None:
    """
    No row holds base64; each medium is there once, with its bytes and type, and HTTP gives it out.
    """
    post_all(store_url, [renamed(name) for name in TOLD])
    rows = query(store_url, "SELECT sha256, media_type, content FROM blobs")
    with running_collector(store_url) as collector:
        for row in rows:
            answer = collector.get(f"/v1/blobs/{row['sha256']}")
            assert (200, bytes(row["content"])) == (answer.status, answer.body)

    stored = {bytes(row["content"]): row["media_type"] for row in rows}
    assert {PNG: "image/png", SKETCH: "image/png", PHOTO: "image/jpeg", SPOKEN: "audio/mpeg"} == stored
    for content in stored:
        written = base64.b64encode(content).decode()
        assert 0 == count(store_url, f"SELECT count(*) FROM events WHERE payload LIKE '%{written}%'")


def test_call_of_an_image_shows_the_events_that_name_it(store_url: str) -> None:
    """
    Its own page has the image: the rows of its stream that name the item, and none besides; also page by page, and over HTTP.
    """
    post_all(store_url, [renamed(name) for name in TOLD])
    kinds = ["in_progress", "generating", "partial_image", "completed"]
    types = ["output_item.added", *(f"image_generation_call.{kind}" for kind in kinds), "output_item.done", "completed"]
    with assembled(store_url) as store:
        for name in TOLD[:2]:
            page = store.call_events("default", f"{name}/ig_1", limit=100, cursor=None)
            first = store.call_events("default", f"{name}/ig_1", limit=2, cursor=None)
            rest = store.call_events("default", f"{name}/ig_1", limit=100, cursor=first.next_cursor)
            assert [f"response.{kind}" for kind in types] == [row["type"] for row in page.items]
            assert page.items == (*first.items, *rest.items)
            assert () == store.call_events("other", f"{name}/ig_1", limit=100, cursor=None).items
    with running_collector(store_url) as collector:
        shown = collector.get(f"/v1/calls/{quote(TOLD[0])}/ig_1")

    assert (200, TOLD[0]) == (shown.status, shown.json["call"]["parent_request_id"])


def test_view_of_chunks_agrees_with_the_count(store_url: str) -> None:
    """
    The view has the pieces that a call counts, in their order, with their kinds.
    """
    names = [name for name in TOLD if name != "aisbreaker: image"]
    post_all(store_url, [renamed(name) for name in names])
    with assembled(store_url):
        pieces = query(store_url, "SELECT request_id, n, kind, delta FROM chunks ORDER BY request_id, n")
        calls = query(store_url, "SELECT request_id, chunk_count, answer_preview FROM calls WHERE operation = 'chat'")

    assert sorted(names) == sorted(call["request_id"] for call in calls)
    for call in calls:
        of_call = [piece for piece in pieces if piece["request_id"] == call["request_id"]]
        assert call["chunk_count"] == len(of_call) > 1
        assert call["answer_preview"] == "".join(piece["delta"] for piece in of_call if piece["kind"] == "content")
    assert {"content", "thinking", "tool_call"} == {piece["kind"] for piece in pieces}


def test_late_event_of_an_image_wakes_its_call(store_url: str) -> None:
    """
    An image whose bytes come in a later POST: the call is looked at again and has them. The same POST once more wakes nobody.
    """
    name = "openai: stream"
    posts = renamed(name)
    place = next(n for n, post in enumerate(posts) if post["type"] == "response.output_item.done" and "ig_1" in json.dumps(post))
    counts: list[Any] = []
    for body in (posts[:place], posts[: place + 1], posts[: place + 1]):
        post_all(store_url, [body])
        counts.append(count(store_url, f"SELECT count(*) FROM call_work WHERE request_id = '{name}/ig_1'"))
        with assembled(store_url) as store:
            image = store.call("default", f"{name}/ig_1")
            assert image is not None
            counts.append((image["status"], image["image_count"]))

    assert [1, ("ok", 0), 1, ("ok", 1), 0, ("ok", 1)] == counts
