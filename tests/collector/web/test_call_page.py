"""
The page of a call over HTTP: what each tab says, how small answers stay, who may see it.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from collector.web.call_page import TABS
from tests.fakes.running import AT_MS, Running, chat_call, running_collector

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
HOSTILE = "<script>window.pwned=1</script><img src=x onerror='window.pwned=2'>\"></textarea></pre>"
BIG_CHUNKS = 6_000
LOOK = {"name": "look", "arguments": '{"at": 1}'}
KEY = "key-of-the-call-tests"


def events_of(name: str, *made: dict[str, Any]) -> list[dict[str, Any]]:
    """Events of a call, numbered, 10 ms apart."""
    base = {"requestId": name, "provider": "openai", "model": "gpt-4o"}
    return [
        {"timestamp": AT_MS + n * 10, **base, **event, "eventId": f"{name}-{n}", "sequence": n} for n, event in enumerate(made, 1)
    ]


def talk(name: str, text: str = "What is in the picture?") -> list[dict[str, Any]]:
    """A call with a system prompt, history, an image, thinking, a tool and an answer."""
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    messages = [
        {"role": "user", "content": f"first {text}"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": LOOK}]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"seen": "a boat"}'},
        {"role": "user", "content": [{"type": "text", "text": text}, image]},
    ]  # fmt: skip
    return events_of(
        name,
        {"type": "text:request:started", "messages": messages, "systemPrompts": ["Be brief."]}
        | {"truncated": {"messages[0].content": 777}},
        {"type": "text:chunk:thinking", "delta": "a boat, ", "messageId": "m"},
        {"type": "text:chunk:thinking", "delta": "I think", "messageId": "m"},
        {"type": "text:chunk:content", "delta": "A boat.", "messageId": "m"},
        {"type": "tools:call:completed", "toolCallId": "c2", "toolName": "zoom", "result": {"factor": 2}, "duration": 4},
        {"type": "text:request:completed", "content": "A boat.", "duration": 50}
        | {"usage": {"promptTokens": 1200, "completionTokens": 3}},
    )  # fmt: skip


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """
    A collector with a few calls, one of them of 6,000 chunks.
    """
    with running_collector(f"sqlite:///{tmp_path_factory.mktemp('call') / 'a.db'}") as running:
        running.post_events(*talk("talk"), *talk("a/part of", HOSTILE), *chat_call("plain"))
        chunks = [{"type": "text:chunk:content", "messageId": "m", "delta": f"w{n} "} for n in range(BIG_CHUNKS)]
        big = events_of(
            "big", {"type": "text:request:started"}, *chunks, {"type": "text:request:completed", "content": "x" * 100_000}
        )
        for at in range(0, len(big), 5_000):
            running.post_events(*big[at : at + 5_000])
        running.wait_for_calls("talk", "a/part of", "plain", "big")
        yield running


def text_of(collector: Running, path: str) -> str:
    answer = collector.get(path)
    assert 200 == answer.status, answer.body[:500]
    return answer.body.decode()


def test_conversation_has_everything_that_was_said(collector: Running):
    """
    System prompt, history, tool call and result, image, thinking, answer, and what the sender cut.
    """
    page = text_of(collector, "/calls/talk")

    for said in (
        "Be brief.",
        "first What",
        "&#34;at&#34;: 1",
        "a boat",
        "a boat, I think",
        "A boat.",
        "zoom",
        "777 bytes were cut",
    ):
        assert said in page
    assert 1 == len(re.findall(r'<img src="/v1/blobs/[0-9a-f]{64}"[^>]* loading="lazy"', page))
    assert PNG not in page


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_is_an_address_and_a_fragment(collector: Running, tab: str):
    """
    The fragment is a part of the page: no head, no scripts; hostile texts are escaped in both.
    """
    for name in ("talk", "a/part%20of", "plain"):
        page = text_of(collector, f"/calls/{name}?tab={tab}")
        fragment = text_of(collector, f"/calls/{name}?tab={tab}&fragment=1")
        assert page.startswith("<!doctype html>")
        assert "<html" not in fragment
        assert '<article class="call"' in fragment
        assert not re.search(r"<img src=x|<script>window|</textarea>", page + fragment)
        assert not re.search(r'\son\w+=|style="|javascript:', re.sub(r'"[^"]*"|>[^<]*<', '""', page))


@pytest.mark.parametrize(
    ("address", "limit"),
    [("?", 120_000), ("?tab=chunks", 120_000), ("?tab=events", 150_000), ("?tab=timing", 60_000), ("?tab=raw", 300_000)],
)  # fmt: skip
def test_answers_of_a_huge_call_stay_small(collector: Running, address: str, limit: int):
    """
    6,000 chunks, and no tab sends more than a window.
    """
    assert len(text_of(collector, f"/calls/big{address}")) < limit


def test_chunks_go_on_where_the_window_ended(collector: Running):
    """
    The link under the first 200 shows the next 200.
    """
    first = text_of(collector, "/calls/big?tab=chunks")
    link = re.search(r'data-more href="([^"]+)"', first)
    assert link
    following = text_of(collector, link[1].replace("&amp;", "&"))

    assert ("w199 " in first, "w200 " in first) == (True, False)
    assert ("w200 " in following, "w399 " in following, "w199 " in following) == (True, True, False)
    assert ">201<" in following


def test_pieces_to_play_come_in_windows(collector: Running):
    """
    Times, kinds and texts as JSON, until there are no more.
    """
    window, texts = "-", []
    while window:
        answer = collector.get(f"/calls/big?play={window}").json
        texts += [piece[2] for piece in answer["pieces"]]
        window = answer["next"]

    assert [f"w{n} " for n in range(BIG_CHUNKS)] == texts
    assert [AT_MS + 20, "thinking", "a boat, "] == collector.get("/calls/talk?play=-").json["pieces"][0]


def test_long_text_is_cut_with_a_way_to_the_whole(collector: Running):
    """
    The whole event is JSON that no browser runs, and belongs to this call only.
    """
    page = text_of(collector, "/calls/big")
    link = re.search(r'characters\. <a href="([^"]+)"', page)
    assert link
    whole = collector.get(link[1])
    assert ("application/json", 100_000) == (whole.headers["content-type"], len(whole.json["payload"]["content"]))
    assert "nosniff" == whole.headers["x-content-type-options"]
    assert 404 == collector.get(link[1].replace("/big", "/talk")).status


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/calls/nobody", 404),
        ("/calls/%00", 400),
        ("/calls/talk?tab=nonsense", 400),
        ("/calls/talk?tab=chunks&window=x", 400),
        ("/calls/talk?tab=events&cursor=zzz", 400),
        ("/calls/talk?event=-1", 400),
        ("/calls/talk?event=99999999", 404),
        ("/calls/talk?x=1", 400),
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(collector: Running, path: str, status: int):
    """
    Never a traceback.
    """
    answer = collector.get(path)
    assert status == answer.status
    assert b"<h1>" in answer.body


def test_events_of_a_run_have_what_its_client_said(collector: Running):
    """
    Beside the server's own, each whole one click away; those of another run are no part of the call.
    """
    run = {"runId": "run-1", "threadId": "t"}
    own = events_of("on-the-server", {"type": "text:request:started", "messageCount": 1, **run}, {"type": "text:usage", **run})
    told = {"timestamp": AT_MS, "clientId": "c", "source": "client"}
    said = {**told, **run, "type": "run:cancelled", "eventId": "said-1"}
    other = {**told, "runId": "run-2", "type": "run:errored", "eventId": "said-2"}
    collector.post_events(*own, said, other)

    page = collector.get("/calls/on-the-server?tab=events").body.decode()
    arrivals = {row["event_id"]: row["arrival"] for row in collector.get("/v1/events?client_id=c").json["items"]}

    assert 1 == page.count("run:cancelled</span>")
    assert "run:errored" not in page
    assert "run:cancelled" == collector.get(f"/calls/on-the-server?event={arrivals['said-1']}").json["type"]
    assert 404 == collector.get(f"/calls/on-the-server?event={arrivals['said-2']}").status
    collector.post_events(*talk("without-a-run"))
    assert 404 == collector.get(f"/calls/without-a-run?event={arrivals['said-1']}").status
    assert "by the run" not in collector.get("/calls/without-a-run?tab=events").body.decode()


def test_key_of_another_project_sees_nothing_of_a_call(sqlite_url: str):
    """
    Neither page, pieces, event nor SQL view; a key without the scope sql is told what it lacks.
    """
    with running_collector(sqlite_url, api_key=KEY) as running:
        running.post_events(*talk("secret"), key=KEY)
        other = running.ask(
            "POST", "/v1/admin/keys", body={"project": "other", "name": "o", "scopes": ["read"]}, headers=bearer(KEY)
        )
        headers = bearer(other.json["key"])

        for path in ("/calls/secret", "/calls/secret?play=-", "/calls/secret?event=1", "/calls/secret?tab=raw"):
            assert 404 == running.ask("GET", path, headers=headers).status
        assert b"may not ask in SQL" in running.ask("GET", "/sql", headers=headers).body
        assert b"textarea" in running.ask("GET", "/sql", headers=bearer(KEY)).body
        assert 303 == running.get("/calls/secret").status


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}
