"""
Halving, size limits and the time limit, against backends of one line each.
"""

from collections.abc import Callable, Sequence

import pytest

from collector.exporters.delivery import ALL_SPANS, Limits, deliver, next_request_spans
from collector.exporters.otlp_answers import Accepted, Answer, Away, Declined, Unwelcome
from collector.exporters.protocol import Barred, Later, Outcome, Refused, Sent, Untried
from tests.fakes.clock import FakeClock

Post = Callable[[Sequence[bytes]], Answer]


def run(spans: Sequence[bytes], post: Post, *, request_bytes: int = 1000, clock: FakeClock | None = None) -> list[Outcome]:
    limits = Limits(request_bytes=request_bytes, budget_s=10.0)
    return deliver(spans, post, limits=limits, monotonic_s=(clock or FakeClock()).monotonic_s)


def test_several_poison_spans_are_found() -> None:
    """
    Each is refused, everything else is sent once.
    """
    taken: list[bytes] = []

    def post(part: Sequence[bytes]) -> Answer:
        if any(span.startswith(b"bad") for span in part):
            return Declined(reason="bad")
        taken.extend(part)
        return Accepted()

    spans = [b"bad1", b"a", b"b", b"bad2", b"c", b"d", b"e", b"bad3"]

    outcomes = run(spans, post)

    assert [Refused(reason="bad") if span.startswith(b"bad") else Sent() for span in spans] == outcomes
    assert [b"a", b"b", b"c", b"d", b"e"] == taken


def test_requests_keep_to_the_size() -> None:
    """
    As many spans as fit; one that is larger than the limit goes alone.
    """
    sizes: list[int] = []

    def post(part: Sequence[bytes]) -> Answer:
        sizes.append(sum(len(span) for span in part))
        return Accepted()

    run([b"x" * 40] * 5 + [b"y" * 300] + [b"x" * 40], post, request_bytes=100)

    assert [80, 80, 40, 300, 40] == sizes


def test_backend_that_goes_away_meanwhile_ends_the_round() -> None:
    """
    What was sent stays sent; the rest waits without being tried.
    """
    answers = iter([Declined(reason="?"), Accepted(), Away(reason="503", after_s=3.0)])
    calls = 0

    def post(part: Sequence[bytes]) -> Answer:
        nonlocal calls
        calls += 1
        return next(answers)

    outcomes = run([b"a", b"b", b"c", b"d"], post)

    later = Later(reason="503", after_s=3.0)
    assert [Sent(), Sent(), later, later] == outcomes
    assert 3 == calls


def test_nothing_more_is_sent_to_a_backend_that_went_away() -> None:
    """
    Also not what was to go in requests of its own: one failed request a round.
    """
    answers = iter([Accepted(), Away(reason="503")])
    outcomes = run([b"x" * 60] * 5, lambda part: next(answers), request_bytes=100)

    assert [Sent(), *[Later(reason="503")] * 4] == outcomes


def test_time_is_bounded() -> None:
    """
    After the budget nothing more is tried; the rest is Untried, at once.
    """
    clock = FakeClock()
    posts = 0

    def post(part: Sequence[bytes]) -> Answer:
        nonlocal posts
        posts += 1
        clock.advance(4000)
        return Declined(reason="slow and sour")

    outcomes = run([b"a"] * 8, post, clock=clock)

    assert [Untried()] * 8 == outcomes
    assert 3 == posts


def test_poison_is_found_although_no_round_has_time_to_halve_down_to_it() -> None:
    """
    A round that ended before anything was taken is followed by one with smaller parts: it ends, each span sent once.
    """
    taken: list[bytes] = []

    def post(part: Sequence[bytes]) -> Answer:
        clock.advance(4000)
        if b"bad" in part:
            return Declined(reason="bad")
        taken.extend(part)
        return Accepted()

    clock = FakeClock()
    waiting = [b"bad", *(f"{n}".encode() for n in range(200))]
    refused: list[bytes] = []
    request_spans, rounds = ALL_SPANS, 0
    while waiting:
        rounds += 1
        assert rounds < 20
        limits = Limits(request_bytes=10_000, budget_s=10.0, request_spans=request_spans)
        outcomes = deliver(waiting, post, limits=limits, monotonic_s=clock.monotonic_s)
        request_spans = next_request_spans(request_spans, outcomes)
        refused += [span for span, outcome in zip(waiting, outcomes, strict=True) if isinstance(outcome, Refused)]
        waiting = [span for span, outcome in zip(waiting, outcomes, strict=True) if isinstance(outcome, Untried)]

    assert [b"bad"] == refused
    assert [f"{n}".encode() for n in range(200)] == taken
    assert ALL_SPANS == request_spans


def test_ending_process_begins_no_further_request() -> None:
    """
    What was sent stays sent, the rest was not tried.
    """
    posts = 0

    def post(part: Sequence[bytes]) -> Answer:
        nonlocal posts
        posts += 1
        return Accepted()

    limits = Limits(request_bytes=2, budget_s=10.0, is_ending=lambda: posts == 2)
    outcomes = deliver([b"a", b"b", b"c", b"d", b"e"], post, limits=limits, monotonic_s=FakeClock().monotonic_s)

    assert [Sent()] * 4 + [Untried()] == outcomes


def test_refusals_about_spans_are_all_tried() -> None:
    """
    Many refused spans in a row are no reason to give up the others: they may be good. One request without spans shows first
    that the backend takes anything at all.
    """
    posts: list[int] = []

    def post(part: Sequence[bytes]) -> Answer:
        posts.append(len(part))
        return Declined(reason="bad") if b"bad" in part else Accepted()

    outcomes = run([b"bad"] * 20 + [b"good"], post)

    assert [Refused(reason="bad")] * 20 + [Sent()] == outcomes
    assert 1 == posts.count(0)


@pytest.mark.parametrize(
    ("without_spans", "outcome"),
    [
        (Accepted(), Refused(reason="bad")),
        (Declined(reason="bad key"), Barred(reason="bad")),
        (Unwelcome(reason="no such page"), Barred(reason="bad")),
        (Declined(reason="500", is_final=False), Later(reason="500")),
        (Away(reason="503", after_s=3.0), Later(reason="503", after_s=3.0)),
    ],
)
def test_lone_span_dies_only_where_a_request_without_spans_is_taken(without_spans: Answer, outcome: Outcome) -> None:
    """
    Otherwise it is not the span that the backend minds: all wait, and the others are not tried one by one.
    """
    posts: list[int] = []

    def post(part: Sequence[bytes]) -> Answer:
        posts.append(len(part))
        return Declined(reason="bad") if part else without_spans

    assert [outcome] == run([b"a"], post)
    del posts[:]
    assert {type(outcome)} == {type(one) for one in run([b"a"] * 64, post)}
    assert isinstance(outcome, Refused) or len(posts) == 8


def test_span_is_not_blamed_while_the_backend_stumbles_over_everything() -> None:
    """
    500 for all, one or many: the destination waits, no span; few requests. Where another one is taken, it is the span.
    """
    posts: list[int] = []

    def stumbling(part: Sequence[bytes]) -> Answer:
        posts.append(len(part))
        return Declined(reason="500", is_final=False) if part else Accepted()

    assert [Later(reason="500")] == run([b"a"], stumbling)
    assert [Later(reason="500")] * 64 == run([b"a"] * 64, stumbling)
    assert [1, 64, 32, 16, 8, 4, 2, 1, 1, 2, 1] == posts

    def over_one(part: Sequence[bytes]) -> Answer:
        return Declined(reason="500", is_final=False) if b"bad" in part else Accepted()

    assert [Later(reason="500", is_about_span=True), Sent()] == run([b"bad", b"good"], over_one)


def test_answer_about_the_key_is_for_all_spans_and_not_halved() -> None:
    """
    One request, and everything that was not sent is barred.
    """
    answers = iter([Accepted(), Unwelcome(reason="HTTP 401")])
    outcomes = run([b"x" * 600] * 4, lambda part: next(answers))

    assert [Sent(), Barred(reason="HTTP 401"), Barred(reason="HTTP 401"), Barred(reason="HTTP 401")] == outcomes


def test_nothing_to_send() -> None:
    """
    No spans, no request.
    """
    assert [] == run([], lambda part: Away(reason="never asked"))
