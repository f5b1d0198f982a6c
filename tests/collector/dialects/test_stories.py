"""
What other SDKs post raw, through the way in and assembly, against answers that were checked by reading the posts.

Write them anew after a change that means to change them: `python -m tests.collector.dialects.test_stories`, and read the
difference.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from collector.assembly.assembler import assemble
from collector.events import Batch
from tests.collector.assembly.stored import SETTLE_MS, no_price, stored_calls
from tests.fakes.foreign import T0, enveloped, responses_stream
from tests.fakes.foreign_stories import STORIES
from tests.fakes.posts import read_events
from tests.fakes.told import told_outcome

FILE = Path(__file__).parents[2] / "golden" / "dialects" / "answers.json"
LATER_MS = T0 + 60_000


def answers() -> dict[str, Any]:
    return json.loads(FILE.read_text())


def batch_of(*posts: Any) -> Batch:
    result = read_events(*posts)
    assert () == result.rejected
    return result.batch


def calls(*batches: Batch) -> dict[str, Any]:
    """Every call of the batches, looked at a minute later: long settled, not yet idle."""
    found = stored_calls(batches, now_ms=LATER_MS, last_received_ms=T0, settle_ms=SETTLE_MS)
    return {request_id: told_outcome(assemble(call, price=no_price)) for request_id, call in found.items()}


@pytest.mark.parametrize("name", STORIES)
def test_story_becomes_the_calls_of_the_answer(name: str) -> None:
    """
    Each call with its status, times, tokens, tools, text and images; both spellings of the Responses stream alike.
    """
    assert answers()[name] == calls(batch_of(*STORIES[name]))


def test_every_story_has_an_answer() -> None:
    """
    And every answer its story.
    """
    assert list(STORIES) == list(answers())


@pytest.mark.parametrize("name", STORIES)
def test_shuffled_single_and_doubled_posts_change_nothing(name: str) -> None:
    """
    The order of arrival says nothing, and a second copy is dropped.
    """
    posts = STORIES[name]
    shuffled = list(posts)
    random.Random(7).shuffle(shuffled)
    expected = calls(batch_of(*posts))

    assert expected == calls(*(batch_of(post) for post in shuffled))
    assert expected == calls(batch_of(*posts, *posts), batch_of(*shuffled))


def test_both_spellings_tell_the_same() -> None:
    """
    All but the provider, and names inside of what a hosted tool gave back.
    """
    found = answers()
    for name in (name.removeprefix("openai: ") for name in STORIES if name.startswith("openai: ")):
        snake, camel = found[f"openai: {name}"], found[f"openrouter: {name}"]
        assert _comparable(snake) == _comparable(camel)


def _comparable(of_story: dict[str, Any]) -> Any:
    return {
        request_id: {
            **{field: value for field, value in call.items() if field not in ("provider", "tools")},
            "tools": [{**tool, "result": tool.get("result", "").replace("_", "").lower()} for tool in call.get("tools", ())],
        }
        for request_id, call in of_story.items()
    }


def test_openrouter_may_write_snake_case() -> None:
    """
    Its Python SDK does.
    """
    snake = enveloped("openrouter", responses_stream(), request_id="r1")
    found = calls(batch_of(*snake))

    assert answers()["openrouter: stream"].keys() == found.keys()
    assert _comparable(answers()["openrouter: stream"]) == _comparable(found)


def _with_durations(plugin_id: str, durations: dict[str, float]) -> dict[str, Any]:
    """The durations of the calls of a stream whose events of these types say how long they took, and of no started event."""
    events = [
        event for event in responses_stream() if not event["type"].endswith((".created", ".added", ".in_progress", ".generating"))
    ]
    posts = enveloped(plugin_id, events, request_id="r1")
    for post in posts:
        if post["type"] in durations:
            post["context"]["duration"] = durations[post["type"]]
    return {request_id: call["duration_ms"] for request_id, call in calls(batch_of(*posts)).items()}


def test_duration_that_the_sender_tells_counts() -> None:
    """
    At the end of the response it is the call's, at an event of the image the image's; without any, and without a start, none.
    """
    completed = "response.image_generation_call.completed"

    assert {"r1": None, "r1/ig_1": None} == _with_durations("openai", {})
    assert {"r1": 812.5, "r1/ig_1": None} == _with_durations("openai", {"response.completed": 812.5})
    assert {"r1": None, "r1/ig_1": 4210} == _with_durations("openai", {completed: 4210})


if __name__ == "__main__":
    told = {name: calls(batch_of(*posts)) for name, posts in STORIES.items()}
    FILE.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
