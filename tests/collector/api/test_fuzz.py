"""
Whatever is asked of the reading routes, the answer is an answer: no 5xx, refusals are problems, shapes are as documented.

Requests are made by schemathesis from the OpenAPI document, and by hypothesis beyond it.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.running import Running, chat_call, running_collector

SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def collector(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    url = f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'a.db'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
    with running_collector(url) as running:
        running.post_events(*chat_call("a"), *chat_call("b"))
        running.wait_for_calls("a", "b")
        yield running


def test_documented_requests_get_documented_answers(collector: Running) -> None:
    """
    Every GET route with values that its document allows: a documented status, media type and shape.
    """
    # Heavy, and for this test alone: every process of a run imports this module.
    import schemathesis

    whole = collector.get("/openapi.json").json
    read = {path: {"get": verbs["get"]} for path, verbs in whole["paths"].items() if "get" in verbs and path != "/v1/live"}
    parsed: Any = schemathesis.openapi.from_dict({**whole, "paths": read})
    found = [operation.ok() for operation in parsed.get_all_operations()]
    assert len(read) == len(found)
    for operation in found:
        _try(collector.url, operation)


def _try(url: str, operation: Any) -> None:
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    promised = [
        not_a_server_error,
        checks.content_type_conformance,
        checks.response_schema_conformance,
        checks.status_code_conformance,
    ]

    @given(case=operation.as_strategy())
    @settings(max_examples=settings().max_examples // 8, deadline=None, database=None, suppress_health_check=SLOW)
    def attempt(case: Any) -> None:
        case.call_and_validate(base_url=url, checks=promised)

    attempt()


NAMES = st.sampled_from(
    ["type", "status", "model", "tool", "q", "since", "until", "limit", "cursor", "min_duration_ms", "by", "x"]
)
PATHS = st.sampled_from(["/v1/events", "/v1/calls", "/v1/stats", "/v1/calls/{}", "/v1/traces/{}", "/v1/blobs/{}", "/{}"])
TEXTS = st.one_of(st.text(max_size=30), st.integers().map(str), st.floats().map(str), st.datetimes().map(str))


@given(path=PATHS, part=st.text(max_size=20), query=st.lists(st.tuples(NAMES, TEXTS), max_size=4))
@settings(deadline=None, suppress_health_check=SLOW)
def test_any_query_gets_an_answer(collector: Running, path: str, part: str, query: list[tuple[str, str]]) -> None:
    """
    Known names with any value, any path: 200, or a problem of the 400s, for pages as a page.
    """
    text = "&".join(f"{name}={quote(value, safe='', errors='replace')}" for name, value in query)
    answer = collector.get(path.format(quote(part, safe="", errors="replace")) + "?" + text)

    told_as = answer.headers["content-type"].partition(";")[0]
    assert answer.status == 200 or (400 <= answer.status < 500 and told_as in {"application/problem+json", "text/html"}), answer


@pytest.mark.parametrize(
    "place", [["events", 10**30, 1], ["events", -(2**63) - 1, 0], ["calls", 1e999, "\0"], ["events", True, None], {}]
)
def test_a_cursor_made_by_hand_is_a_bad_request_or_a_page(collector: Running, place: object) -> None:
    """
    Numbers that no BIGINT holds, text that PostgreSQL refuses: never a 5xx.
    """
    cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    for path in ("/v1/events", "/v1/calls"):
        assert collector.get(f"{path}?cursor={cursor}").status in {200, 400}
