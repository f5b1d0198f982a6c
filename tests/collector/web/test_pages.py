"""
The pages over HTTP, without a browser: headers, caching, sizes, errors, logins.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from collector.web.ribbon import draw_ribbon
from collector.web.static_files import static_files
from tests.fakes.running import Answer, Running, chat_call, running_collector

KEY = "key-of-this-test-module"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_collector(f"sqlite:///{tmp_path_factory.mktemp('pages') / 'a.db'}") as running:
        yield running


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_collector(f"sqlite:///{tmp_path_factory.mktemp('locked') / 'a.db'}", api_key=KEY) as running:
        yield running


def log_in(running: Running, key: str, *, origin: str | None = "", to: str = "/") -> Answer:
    """POST the form as a browser does; `origin` None leaves the header out."""
    headers = FORM if origin is None else {**FORM, "origin": origin or running.url}
    return running.send("POST", "/login", urlencode({"key": key, "next": to}).encode(), headers)


def cookie_of(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


@pytest.mark.parametrize("path", ["/", "/?model=x", "/rows", "/strip", "/diagnosis", "/?since=nonsense", "/login"])
def test_every_page_forbids_what_it_does_not_need(collector: Running, path: str) -> None:
    """
    The policy names this origin only, and every answer has it, errors and redirects too.
    """
    headers = collector.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'; style-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert ("nosniff", "no-store") == (headers["x-content-type-options"], headers["cache-control"])


def test_static_files_are_kept_for_good(collector: Running) -> None:
    """
    What a page names is there under the digest of its content; an old digest gets today's file and is told not to keep it.
    """
    page = collector.get("/").body.decode()
    found = sorted(set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page)))
    assert len(found) >= 4
    for address in found:
        answer = collector.get(address)
        assert (200, "nosniff") == (answer.status, answer.headers["x-content-type-options"])
        assert "immutable" in answer.headers["cache-control"]
    assert "no-cache" == collector.get("/static/0000000000000000/app.css").headers["cache-control"]
    for address in ("/static/x/none.css", "/static/x/..%2Fpages.py", "/static/x/%2e%2e/pages.py"):
        assert 404 == collector.get(address).status
    assert static_files().digest in found[0]


def test_a_page_of_long_texts_stays_small(collector: Running) -> None:
    """
    A hundred rows of long prompts, names and streams are under 200 KB; more than a hundred are not given.
    """
    text = 'Ein sehr langer Prompt über <Dinge> & "Sachen". ' * 20
    extra: dict[str, Any] = {"clientId": "client " * 16, "sessionId": "session " * 12}
    chunks = [{"offsetMs": n * n % 77, "delta": "x"} for n in range(60)]
    for n in range(100):
        started, chunk, completed = chat_call(f"long-{n:03}-{'x' * 60}", model="a-model-with-a-long-name-2026-01-01", **extra)
        del chunk["delta"]
        started["messages"] = [{"role": "user", "content": text}]
        collector.post_events(started, {**chunk, "chunks": chunks}, completed)
    collector.wait_for_calls(f"long-099-{'x' * 60}")

    answer = collector.get("/?limit=100")
    assert 100 == answer.body.count(b"<tr id=")
    assert b'class="b3"' in answer.body
    assert len(answer.body) < 200_000
    assert 400 == collector.get("/?limit=101").status


def test_typed_filter_leads_to_its_address(collector: Running) -> None:
    """
    Without scripts, too: the form's text becomes parameters beside those that are on.
    """
    answer = collector.get("/?model=a&q=old&filter=-status:ok+new+words&range=1h")
    assert 303 == answer.status
    assert answer.headers["location"].startswith("/?")
    assert ["model=a", "q=new+words", "range=1h", "status=%21ok"] == sorted(answer.headers["location"][2:].split("&"))


def test_rows_are_asked_for_by_id(collector: Running) -> None:
    """
    The live list fetches what changed: those of the calls that fit the filter, and a cursor where there are more.
    """
    collector.post_events(*chat_call("one"), *chat_call("two", model="o3"))
    collector.wait_for_calls("one", "two")
    body = collector.get("/rows?request_id=one&request_id=two&model=o3").body
    assert [b"two"] == re.findall(rb'data-id="(\w+)"', body)
    assert "hookline-next-cursor" in collector.get("/rows?limit=1").headers


def test_errors_are_pages_for_people_and_problems_for_scripts(collector: Running) -> None:
    """
    A wrong address of a page is explained in HTML; a fragment's script gets the problem.
    """
    page = collector.get("/?nonsense=1")
    assert (400, "text/html; charset=utf-8") == (page.status, page.headers["content-type"])
    assert b"nonsense" in page.body
    part = collector.get("/rows?nonsense=1", hx_fragment="1")
    assert (400, "application/problem+json") == (part.status, part.headers["content-type"])


def test_without_a_key_pages_lead_to_the_login(locked: Running) -> None:
    """
    A page redirects and keeps what was asked for; fragments and the API say 401; nothing of the project is told.
    """
    answer = locked.get("/?model=x")
    assert (303, "/login?next=%2F%3Fmodel%3Dx") == (answer.status, answer.headers["location"])
    assert 401 == locked.get("/rows", hx_fragment="1").status
    assert 401 == locked.get("/v1/calls").status
    page = locked.get("/login").body
    assert b"default" not in page


def test_cookie_reads_and_sends_as_the_key_does(locked: Running) -> None:
    """
    Pages, reading routes and the test event take it; it is HttpOnly, SameSite=Strict, and not the key; a logout ends it.
    """
    answer = log_in(locked, KEY, to="/?model=x")
    assert (303, "/?model=x") == (answer.status, answer.headers["location"])
    told = answer.headers["set-cookie"].lower()
    assert "httponly" in told
    assert "samesite=strict" in told
    assert "secure" not in told
    assert KEY not in told
    cookie = cookie_of(answer)
    for path in ("/", "/v1/calls", "/v1/status", "/metrics"):
        assert 200 == locked.get(path, cookie=cookie).status
    assert 200 == locked.ask("POST", "/v1/events", body=chat_call("x"), headers={"cookie": cookie, "origin": locked.url}).status
    stranger = {"cookie": cookie, "origin": "https://evil.example"}
    assert 403 == locked.ask("POST", "/v1/events", body=chat_call("y"), headers=stranger).status

    out = locked.send("POST", "/logout", b"", {**FORM, "cookie": cookie, "origin": locked.url})
    assert (303, "/login") == (out.status, out.headers["location"])
    assert 401 == locked.get("/v1/calls", cookie=cookie).status


@pytest.mark.parametrize(
    ("site", "mode", "is_ours"),
    [
        ("same-origin", "cors", True),
        ("none", "navigate", True),
        ("same-site", "navigate", True),
        ("same-site", "no-cors", False),
        ("same-site", "cors", False),
        ("cross-site", "no-cors", False),
    ],
)
def test_page_on_another_port_does_not_use_our_login(locked: Running, site: str, mode: str, is_ours: bool) -> None:
    """
    Cookies don't know ports: what a browser tells of the page that asks decides. A link from there may lead here.
    """
    cookie = cookie_of(log_in(locked, KEY))
    for path in ("/v1/events", "/rows", "/v1/sql/schema"):
        answer = locked.ask("GET", path, headers={"cookie": cookie, "sec-fetch-site": site, "sec-fetch-mode": mode})
        assert is_ours == (answer.status == 200)


def test_login_lasts_over_a_restart_and_holds_on_another_collector(postgresql_url: str) -> None:
    """
    Until it is logged out, or its key is revoked, wherever that was said.
    """
    with running_collector(postgresql_url, api_key=KEY) as one:
        operator = {"authorization": f"Bearer {KEY}"}
        made = one.ask("POST", "/v1/admin/keys", body={"project": "p", "scopes": ["read"]}, headers=operator).json
        cookies = [cookie_of(log_in(one, made["key"])) for _ in range(2)]
    with running_collector(postgresql_url, api_key=KEY) as one, running_collector(postgresql_url, api_key=KEY) as two:
        assert {200} == {asked.get("/v1/calls", cookie=cookie).status for asked in (one, two) for cookie in cookies}
        two.send("POST", "/logout", b"", {**FORM, "cookie": cookies[0], "origin": two.url})
        assert [401, 401, 200] == [
            asked.get("/v1/calls", cookie=cookie).status
            for asked, cookie in ((one, cookies[0]), (two, cookies[0]), (one, cookies[1]))
        ]
        one.ask("POST", "/v1/admin/keys/revoke", body={"key_id": made["key_id"]}, headers=operator)
        assert 401 == one.get("/v1/calls", cookie=cookies[1]).status


def test_key_that_may_not_read_logs_nobody_in(locked: Running) -> None:
    """
    A sender's key, and a public one least of all.
    """
    operator = {"authorization": f"Bearer {KEY}"}
    for wish in ({"scopes": ["ingest"]}, {"origins": [locked.url]}):
        key = locked.ask("POST", "/v1/admin/keys", body=wish, headers=operator).json["key"]
        answer = log_in(locked, key)
        assert (401, False) == (answer.status, "set-cookie" in answer.headers)


def test_login_is_for_this_sites_own_form(locked: Running) -> None:
    """
    A form of another site logs nobody in, also where a browser's Origin was taken away; a program has none. The cookie is Secure
    where the browser speaks https.
    """
    assert 403 == log_in(locked, KEY, origin="https://evil.example").status
    assert 403 == log_in(locked, KEY, origin="null").status
    form = {**FORM, "sec-fetch-site": "cross-site"}
    assert 403 == locked.send("POST", "/login", f"key={KEY}".encode(), form).status
    assert "httponly" in log_in(locked, KEY, origin=None).headers["set-cookie"].lower()
    assert "secure" in log_in(locked, KEY, origin=locked.url.replace("http:", "https:")).headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/login", "/a\r\nb: c"]
)
def test_login_leads_to_pages_of_ours_only(locked: Running, to: str) -> None:
    """
    Whatever `next` says, the browser stays here.
    """
    assert "/" == log_in(locked, KEY, to=to).headers["location"]


def test_guessing_keys_is_slow(sqlite_url: str) -> None:
    """
    After ten wrong keys within a minute further ones are not looked at, the right one neither.
    """
    with running_collector(sqlite_url, api_key=KEY) as running:
        assert [401] * 10 == [log_in(running, f"wrong {n}").status for n in range(10)]
        assert 429 == log_in(running, KEY).status


def test_ribbon_tells_wait_bars_and_nothing() -> None:
    """
    The wait reaches to the first chunk, the densest part has the strongest shade, and what is no ribbon is none.
    """
    ribbon = draw_ribbon("640:" + "0" * 16 + "1" + "0" * 15 + "3" * 32)
    assert ribbon is not None
    assert "M0 8H16" == ribbon.wait
    assert ["M0 8m16 0h0.7", "", "M0 8m32 0h31.7"] == list(ribbon.bars)
    assert [None] * 4 == [draw_ribbon(text) for text in (None, "", "640:0000", "640:<script>")]
