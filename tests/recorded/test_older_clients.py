"""
Clients are updated after their collector, or never: what older ones sent means today what it meant then.
"""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.fakes.running import running_collector
from tests.recorded.posts import COMPARED, recorded, send

RECORDINGS = sorted(path.parent for path in Path(__file__).parent.glob("client-*/posts.ndjson"))


@pytest.mark.parametrize("folder", RECORDINGS, ids=lambda path: path.name)
def test_posts_of_an_older_client_make_the_same_calls(folder: Path, sqlite_url: str) -> None:
    """
    Every recorded body is taken whole; calls, times, tokens, tools and ids are those that the collector of then had. Sent again,
    everything is known.
    """
    posts = list(recorded(folder))
    expected = json.loads((folder / "calls.json").read_text())
    with running_collector(sqlite_url) as collector:
        port = urlsplit(collector.url).port
        assert port is not None
        calls = send(port, posts)
        again = [collector.send("POST", post.path, post.body, post.headers).json for post in posts]

    assert expected == {name: {field: call.get(field) for field in COMPARED} for name, call in calls.items()}
    assert [len(post.events) for post in posts] == [answer["duplicates"] for answer in again]


def test_a_recording_has_every_kind_of_call() -> None:
    """
    Chats, streams, tools, agents, embeddings, images, errors and streams left early: else it would prove little.
    """
    for folder in RECORDINGS:
        types = {event["type"] for post in recorded(folder) for event in post.events}
        calls = json.loads((folder / "calls.json").read_text()).values()

        assert {"tools:call:completed", "agent:request:completed", "text:chunk:tool-call", "text:request:aborted"} <= types
        assert {"chat", "invoke_agent", "embeddings", "image_generation"} <= {call["operation"] for call in calls}
        assert {"ok", "error", "aborted"} == {call["status"] for call in calls}
