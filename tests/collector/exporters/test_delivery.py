"""
Halving, size limits and the time limit, against backends of one line each.
"""

from collections.abc import Callable, Sequence

from collector.exporters.delivery import Limits, deliver
from collector.exporters.otlp_answers import Accepted, Answer, Away, Declined
from collector.exporters.protocol import Later, Outcome, Refused, Sent
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


def test_time_is_bounded() -> None:
    """
    After the budget nothing more is tried; the rest is Later, at once.
    """
    clock = FakeClock()

    def post(part: Sequence[bytes]) -> Answer:
        clock.advance(4000)
        return Declined(reason="slow and sour")

    outcomes = run([b"a"] * 8, post, clock=clock)

    assert {Later} == {type(outcome) for outcome in outcomes}


def test_refusals_about_spans_are_all_tried() -> None:
    """
    Many refused spans in a row are no reason to give up the others: they may be good.
    """

    def post(part: Sequence[bytes]) -> Answer:
        return Declined(reason="bad") if b"bad" in part else Accepted()

    outcomes = run([b"bad"] * 20 + [b"good"], post)

    assert [Refused(reason="bad")] * 20 + [Sent()] == outcomes


def test_nothing_to_send() -> None:
    """
    No spans, no request.
    """
    assert [] == run([], lambda part: Away(reason="never asked"))
