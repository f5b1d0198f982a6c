"""
The reading routes, over HTTP from a whole collector, on both engines.
"""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.fakes.running import AT_MS, Running, chat_call, running_collector


@pytest.fixture
def collector(store_url: str) -> Iterator[Running]:
    with running_collector(store_url) as running:
        yield running


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_collector(f"sqlite:///{tmp_path_factory.mktemp('empty') / 'a.db'}") as running:
        yield running


@pytest.fixture
def filled(collector: Running) -> Running:
    """
    Four calls a second apart, one of another model.
    """
    models = ("gpt-4o", "gpt-4o", "gpt-5", "gpt-4o")
    events = [event for n, model in enumerate(models) for event in chat_call(f"c{n}", at_ms=AT_MS + 1000 * n, model=model)]
    assert 12 == collector.post_events(*events).json["accepted"]
    collector.wait_for_calls("c0", "c1", "c2", "c3")
    return collector


def test_everything_that_is_asked_of_a_filled_collector(filled: Running) -> None:
    """
    Lists, filters, paging, one call, its trace, the figures: one start of the server, each answer looked at.
    """
    _events_are_newest_first_with_payload(filled)
    _filters_mean_or_and_not(filled)
    _pages_meet_without_gap_or_overlap(filled)
    _one_call_is_whole(filled)
    _figures_add_up(filled)


def _events_are_newest_first_with_payload(filled: Running) -> None:
    items = filled.get("/v1/events").json["items"]

    assert 12 == len(items)
    assert sorted((item["timestamp"] for item in items), reverse=True) == [item["timestamp"] for item in items]
    assert "Hello from c3" == items[0]["payload"]["content"]


def _filters_mean_or_and_not(filled: Running) -> None:
    def names(query: str) -> set[str]:
        return {call["request_id"] for call in filled.get(f"/v1/calls?{query}").json["items"]}

    assert {"c2"} == names("model=gpt-5")
    assert {"c0", "c1", "c2", "c3"} == names("model=gpt-5&model=gpt-4o&status=")
    assert {"c0", "c1", "c3"} == names("model=!gpt-5")
    assert {"c1", "c2"} == names(f"since={AT_MS + 1000}&until={AT_MS + 3000}")
    assert {"c1"} == names("q=from%20C1")
    assert set() == names("min_duration_ms=81")
    assert {"c3"} == names("since=2025-11-24T17:00:03%2B01:00")


def _pages_meet_without_gap_or_overlap(filled: Running) -> None:
    for path, expected in (("/v1/events?limit=5", 12), ("/v1/calls?limit=3", 4), ("/v1/calls?limit=2", 4)):
        seen, cursor = list[str](), ""
        while True:
            page = filled.get(path + cursor).json
            seen += [item.get("event_id") or item["request_id"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={quote(page['next_cursor'])}"
        assert expected == len(seen) == len(set(seen))


def _one_call_is_whole(filled: Running) -> None:
    whole = filled.get("/v1/calls/c1").json

    assert (80.0, "ok", 7, 2) == tuple(whole["call"][name] for name in ("duration_ms", "status", "input_tokens", "output_tokens"))
    assert ["chat gpt-4o"] == [span["name"] for span in whole["spans"]]
    assert ["c1-1", "c1-2", "c1-3"] == [event["event_id"] for event in whole["events"]["items"]]
    assert whole["events"]["next_cursor"] is None
    trace = filled.get(f"/v1/traces/{whole['call']['trace_id'].upper()}").json
    assert ["c1"] == [call["request_id"] for call in trace["calls"]]


def _figures_add_up(filled: Running) -> None:
    (all_of_it,) = filled.get("/v1/stats").json["items"]
    by_model = {row["model"]: row for row in filled.get("/v1/stats?by=model").json["items"]}

    assert (4, 0, 28) == (all_of_it["calls"], all_of_it["errors"], all_of_it["input_tokens"])
    assert {"gpt-4o": 3, "gpt-5": 1} == {model: row["calls"] for model, row in by_model.items()}
    assert 80.0 == by_model["gpt-5"]["duration_p50_ms"]


def test_request_id_with_a_slash_is_found(collector: Running) -> None:
    """
    An image inside a Responses stream has such a one.
    """
    collector.post_events(*chat_call("stream/ig_0"))
    collector.wait_for_calls("stream/ig_0")

    for path in ("/v1/calls/stream%2Fig_0", "/v1/calls/stream/ig_0"):
        assert "stream/ig_0" == collector.get(path).json["call"]["request_id"]


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/v1/calls/none", 404, "no call"),
        ("/v1/traces/none", 404, "no trace"),
        (f"/v1/blobs/{'0' * 64}", 404, "no media"),
        ("/v1/blobs/xyz", 400, "SHA-256"),
        ("/v1/calls?since=2026-01-01T00:00:00", 400, "offset"),
        ("/v1/events?limit=1001", 400, "limit"),
        ("/v1/events?nonsense=1", 400, "nonsense"),
        ("/v1/events?cursor=nonsense", 400, "cursor"),
        ("/v1/calls?status=%00", 400, "NUL"),
        ("/v1/stats?by=payload", 400, "model"),
        ("/nowhere", 404, ""),
    ],
)
def test_refusals_are_problems_that_say_what_to_do(empty: Running, path: str, status: int, word: str) -> None:
    """
    RFC 9457, with the reason in words.
    """
    answer = empty.get(path)

    assert (status, "application/problem+json") == (answer.status, answer.headers["content-type"])
    assert status == answer.json["status"]
    assert word in answer.json["detail"]


def test_a_very_long_request_id_is_found_by_its_own_name(collector: Running) -> None:
    """
    Columns hold its beginning and hash; whoever asks need not know: call, filters, page.
    """
    name = "long-" * 300
    collector.post_events(*chat_call(name), *chat_call("short", parentRequestId=name))
    collector.wait_for_calls("short")

    assert 200 == collector.get(f"/v1/calls/{name}").status
    assert 3 == len(collector.get(f"/v1/calls/{name}").json["events"]["items"])
    assert 3 == len(collector.get(f"/v1/events?request_id={name}").json["items"])
    assert ["short"] == [call["request_id"] for call in collector.get(f"/v1/calls?request_id=!{name}").json["items"]]
    assert [False] == [row["orphan_parent"] for row in collector.get("/v1/calls/short").json["trace_health"]]
    assert 1 == collector.ask("POST", "/v1/admin/reassemble", body={"request_id": name}).json["count"]
    assert 200 == collector.get(f"/calls/{name}").status
