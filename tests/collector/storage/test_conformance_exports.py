"""
What every engine keeps of `WorkQueue` for exports: a span is queued once, given to one worker, and ends in one state.
"""

from typing import Any

from collector.spans import Span
from collector.storage.outbox import DeadSpans, ExportClaim, ExportDead, ExportDone, ExportPutBack, ExportRetry, Resend, SpanLease
from collector.storage.protocols import Store
from tests.end_to_end.database import query
from tests.fakes.stored import NOW_MS, OWN_HOOK, append, claim, event, settlement


def queue(store: Store, *request_ids: str, destination: str = "otlp", encoded: bytes = b"span") -> None:
    """Settle calls whose spans go to a destination."""
    for number, request_id in enumerate(request_ids):
        append(store, event(f"e-{request_id}", request_id=request_id), start=True, terminal=True)
        (claimed,) = claim(store)
        outcome = settlement(claimed, destinations=(destination,), span_id=f"{request_id:0>16}", encoded=encoded)
        store.settle_calls([outcome], now_ms=NOW_MS + number)


def take(
    store: Store,
    *,
    now_ms: int = NOW_MS + 100,
    limit: int = 100,
    max_bytes: int = 10**6,
    destination: str = "otlp",
    newest_first: bool = False,
) -> list[ExportClaim]:
    """Claim spans to send."""
    return store.claim_exports(
        owner="w1",
        destination=destination,
        now_ms=now_ms,
        lease_ms=500,
        limit=limit,
        max_bytes=max_bytes,
        newest_first=newest_first,
    )


def done(claimed: ExportClaim) -> ExportDone:
    return ExportDone(export_id=claimed.export_id)


def retry(claimed: ExportClaim, *, next_at_ms: int = NOW_MS + 9_000, is_stumble: bool = False) -> ExportRetry:
    return ExportRetry(
        export_id=claimed.export_id,
        lease_until_ms=claimed.lease_until_ms,
        next_at_ms=next_at_ms,
        reason="503",
        is_stumble=is_stumble,
    )


def put_back(claimed: ExportClaim) -> ExportPutBack:
    return ExportPutBack(export_id=claimed.export_id, lease_until_ms=claimed.lease_until_ms, next_at_ms=NOW_MS + 150)


def dead(claimed: ExportClaim, reason: str = "400") -> ExportDead:
    return ExportDead(export_id=claimed.export_id, lease_until_ms=claimed.lease_until_ms, reason=reason)


def test_queued_span_is_claimed_with_its_bytes_and_resource(store: Store):
    """
    The claim has what the exporter needs; another destination has nothing to do.
    """
    queue(store, "r1", encoded=b"\x00\xff")

    (claimed,) = take(store)

    assert (b"\x00\xff", OWN_HOOK, 0, "p") == (claimed.encoded, claimed.resource, claimed.attempts, claimed.project)
    assert [] == take(store, destination="jsonl")


def test_spans_may_be_leased_as_they_are_stored(store: Store):
    """
    The settlement gives the claims of its own new spans, for the destinations that are named; the others are due at once. They
    are like claimed ones: nobody else gets them while the lease lasts, and whoever holds them may say that they are sent.
    """
    for request_id in ("r1", "r2"):
        append(store, event(f"e-{request_id}", request_id=request_id), start=True, terminal=True)
    outcomes = [
        settlement(one, destinations=("otlp", "jsonl"), span_id=f"{one.request_id:0>16}", encoded=one.request_id.encode())
        for one in claim(store)
    ]
    leased = SpanLease(owner="w1", until_ms={"otlp": NOW_MS + 500})
    held = store.settle_calls(outcomes, now_ms=NOW_MS, leased=leased)

    assert [] == take(store)
    assert 2 == len(take(store, destination="jsonl"))
    expected = take(store, now_ms=NOW_MS + 500)
    assert [("r1", b"r1"), ("r2", b"r2")] == sorted((one.span_id[-2:], one.encoded) for one in held)
    assert [_without_lease(one) for one in expected] == sorted(map(_without_lease, held), key=lambda one: one["export_id"])
    assert {NOW_MS + 500} == {one.lease_until_ms for one in held}

    store.settle_exports([done(one) for one in held], now_ms=NOW_MS + 20)
    assert [] == take(store, now_ms=NOW_MS + 9_000)


def test_spans_that_were_queued_before_are_not_leased_again(store: Store):
    """
    Neither those of the same call, settled once more, nor those of another transaction.
    """
    append(store, event("e1", request_id="r1"), start=True, terminal=True)
    (first,) = claim(store)
    first_lease = SpanLease(owner="w1", until_ms={"otlp": NOW_MS + 500})
    assert 1 == len(store.settle_calls([settlement(first, destinations=("otlp",))], now_ms=NOW_MS, leased=first_lease))
    store.mark_all_dirty(project=None, request_id=None, now_ms=NOW_MS)
    append(store, event("e2", request_id="r2"), start=True, terminal=True)
    again = claim(store, now_ms=NOW_MS + 10_000)
    spans = {"r1": "b" * 16, "r2": "a" * 14 + "r2"}
    outcomes = [settlement(one, destinations=("otlp",), span_id=spans[one.request_id]) for one in again]
    second_lease = SpanLease(owner="w1", until_ms={"otlp": NOW_MS + 501})
    held = store.settle_calls(outcomes, now_ms=NOW_MS + 1, leased=second_lease)
    assert ["r2"] == [one.span_id[-2:] for one in held]


def _without_lease(claimed: ExportClaim) -> dict[str, Any]:
    return {name: getattr(claimed, name) for name in ExportClaim.__dataclass_fields__ if name != "lease_until_ms"}


def test_claimed_span_comes_back_when_the_lease_ends(store: Store):
    """
    Nobody gets it while the lease lasts; a worker that died loses it.
    """
    queue(store, "r1")
    take(store)

    assert [] == take(store, now_ms=NOW_MS + 599)
    assert NOW_MS + 600 == store.next_export_due_ms(destination="otlp")
    assert 1 == len(take(store, now_ms=NOW_MS + 600))


def test_claims_are_cut_by_count_and_by_bytes(store: Store):
    """
    Oldest first, as many as fit, one at least.
    """
    queue(store, "r1", "r2", "r3", encoded=b"x" * 100)

    assert 1 == len(take(store, max_bytes=10))
    assert 1 == len(take(store, limit=1))
    assert ["r3"] == [one.span_id[-2:] for one in take(store, max_bytes=250)]
    assert ["r1", "r2"] == [one.span_id[-2:] for one in take(store, now_ms=NOW_MS + 5_000, max_bytes=250)]


def test_newest_may_be_claimed_first(store: Store):
    """
    The same spans from the other end, cut in the same way.
    """
    queue(store, "r1", "r2", "r3", encoded=b"x" * 100)

    assert ["r2", "r3"] == [one.span_id[-2:] for one in take(store, max_bytes=250, newest_first=True)]
    assert ["r1"] == [one.span_id[-2:] for one in take(store, newest_first=True)]


def test_destinations_have_due_times_of_their_own(store: Store):
    """
    What waits for one says nothing of another, nor of calls.
    """
    queue(store, "r1")
    queue(store, "r2", destination="jsonl")
    for claimed in take(store):
        store.settle_exports([retry(claimed)], now_ms=NOW_MS + 100)

    assert NOW_MS + 9_000 == store.next_export_due_ms(destination="otlp")
    assert NOW_MS == store.next_export_due_ms(destination="jsonl")
    assert store.next_export_due_ms(destination="else") is None
    assert store.next_due_ms(now_ms=NOW_MS) is None


def test_outcomes_are_stored(store: Store, store_url: str):
    """
    Done loses its bytes and is never due again; retry waits for its time; dead keeps bytes and reason.
    """
    queue(store, "r1", "r2", "r3", "r4")
    one, again, lost, untried = take(store)

    store.settle_exports([done(one), retry(again), dead(lost, "400 bad span"), put_back(untried)], now_ms=NOW_MS + 200)

    (back,) = take(store, now_ms=NOW_MS + 300)
    assert (untried.span_id, 0, 0) == (back.span_id, back.attempts, back.stumbles)
    store.settle_exports([done(back)], now_ms=NOW_MS + 400)
    assert NOW_MS + 9_000 == store.next_export_due_ms(destination="otlp")
    (claimed,) = take(store, now_ms=NOW_MS + 9_000)
    assert (again.span_id, 1, 0) == (claimed.span_id, claimed.attempts, claimed.stumbles)
    kept = "SELECT state, reason, encoded IS NOT NULL AS kept FROM exports ORDER BY span"
    rows = [(row["state"], row["reason"], bool(row["kept"])) for row in query(store_url, kept)]
    assert [
        ("done", None, False),
        ("pending", "503", True),
        ("dead", "400 bad span", True),
        ("done", None, False),
    ] == rows


def test_stumbles_are_counted_apart_from_attempts(store: Store):
    """
    An hour in which a backend is away says nothing about a span.
    """
    queue(store, "r1")
    for number, is_stumble in enumerate((False, False, True, False)):
        (claimed,) = take(store, now_ms=NOW_MS + 20_000 * number)
        outcome = retry(claimed, next_at_ms=NOW_MS + 20_000 * number + 1, is_stumble=is_stumble)
        store.settle_exports([outcome], now_ms=NOW_MS)

    (claimed,) = take(store, now_ms=NOW_MS + 100_000)
    assert (4, 1) == (claimed.attempts, claimed.stumbles)


def test_settling_after_the_lease_does_not_disturb_the_next_holder(store: Store):
    """
    Whatever the late one says, the span stays the other's; but what the late one sent is sent, also if the other gave it up.
    """
    queue(store, "r1")
    (late,) = take(store)
    (holder,) = take(store, now_ms=NOW_MS + 700)
    for outcome in (retry(late, next_at_ms=NOW_MS), put_back(late), dead(late)):
        store.settle_exports([outcome], now_ms=NOW_MS + 800)
    assert [] == take(store, now_ms=NOW_MS + 1_100)
    assert NOW_MS + 1_200 == store.next_export_due_ms(destination="otlp")

    store.settle_exports([dead(holder)], now_ms=NOW_MS + 900)
    store.settle_exports([done(late)], now_ms=NOW_MS + 1_000)
    store.settle_exports([dead(holder), retry(holder)], now_ms=NOW_MS + 1_100)

    assert [] == store.retry_dead_exports(DeadSpans(), now_ms=NOW_MS + 2_000)
    assert [] == take(store, now_ms=NOW_MS + 99_000)


def test_dead_spans_can_be_tried_again(store: Store):
    """
    All that are meant are due again, with the same bytes, and are told by destination and reason; their stumbles are forgotten.
    """
    queue(store, "r1", "r2", "r3")
    one, two, three = take(store)
    store.settle_exports([retry(three, next_at_ms=NOW_MS + 100, is_stumble=True)], now_ms=NOW_MS + 100)
    (three,) = take(store)
    store.settle_exports([dead(one, "HTTP 400: 100% bad"), dead(two, "HTTP 413")], now_ms=NOW_MS + 1_000)
    store.settle_exports([dead(three, "HTTP 413")], now_ms=NOW_MS + 2_000)
    now_ms = NOW_MS + 3_000

    for which in (DeadSpans(destination="jsonl"), DeadSpans(reason="0_% b"), DeadSpans(since_ms=NOW_MS + 2_001)):
        assert [] == store.retry_dead_exports(which, now_ms=now_ms)
    (found,) = store.retry_dead_exports(DeadSpans(reason="413", since_ms=NOW_MS + 1_500), now_ms=now_ms)
    assert ("otlp", "HTTP 413", 1) == (found["destination"], found["reason"], found["count"])
    assert [(three.span_id, 0)] == [(one.span_id, one.stumbles) for one in take(store, now_ms=now_ms)]
    (found,) = store.retry_dead_exports(DeadSpans(reason="http 400: 100% BAD"), now_ms=now_ms)
    assert 1 == found["count"]
    assert 1 == sum(row["count"] for row in store.retry_dead_exports(DeadSpans(destination="otlp"), now_ms=now_ms))
    again = take(store, now_ms=now_ms)
    assert [(b"span", 0), (b"span", 0)] == [(one.encoded, one.stumbles) for one in again]


def test_dropped_spans_are_given_up_for_good(store: Store, store_url: str):
    """
    Waiting and dead ones of that destination; their bytes go, nothing brings them back.
    """
    queue(store, "r1", "r2", "r3")
    queue(store, "r4", destination="jsonl")
    one, two, _ = take(store)
    store.settle_exports([done(one), dead(two)], now_ms=NOW_MS)

    assert 2 == store.drop_exports(destination="otlp", now_ms=NOW_MS)
    assert 0 == store.drop_exports(destination="otlp", now_ms=NOW_MS)

    assert [] == take(store, now_ms=NOW_MS + 99_000)
    assert [] == store.retry_dead_exports(DeadSpans(), now_ms=NOW_MS + 99_000)
    assert 1 == len(take(store, destination="jsonl"))
    rows = query(store_url, "SELECT state, encoded IS NULL AS gone FROM exports WHERE destination = 'otlp' ORDER BY export_id")
    assert [("done", True), ("dropped", True), ("dropped", True)] == [(row["state"], bool(row["gone"])) for row in rows]


def test_reasons_of_dead_spans_are_counted(store: Store):
    """
    For doctor: why, how many, and when the last one died; most of them first.
    """
    queue(store, "r1", "r2", "r3")
    one, two, three = take(store)
    store.settle_exports([dead(one, "HTTP 400"), dead(two, "HTTP 413")], now_ms=NOW_MS + 1_000)
    store.settle_exports([dead(three, "HTTP 413")], now_ms=NOW_MS + 2_000)

    told = [(row["destination"], row["reason"], row["count"], row["last_ms"]) for row in store.export_reasons(limit=10)]

    assert [("otlp", "HTTP 413", 2, NOW_MS + 2_000), ("otlp", "HTTP 400", 1, NOW_MS + 1_000)] == told
    assert 1 == len(store.export_reasons(limit=1))


def test_span_is_queued_once_however_often_its_call_is_settled(store: Store, store_url: str):
    """
    The row that is there stays as it is, whatever its state and whatever bytes come later; the final one of an
    incomplete span is a row of its own.
    """
    queue(store, "r1")
    store.settle_exports([done(one) for one in take(store)], now_ms=NOW_MS)
    for is_final in (True, False, False):
        store.mark_all_dirty(project="p", request_id="r1", now_ms=NOW_MS)
        (claimed,) = claim(store)
        again = settlement(claimed, destinations=("otlp",), span_id=f"{'r1':0>16}", encoded=b"changed", is_final=is_final)
        store.settle_calls([again], now_ms=NOW_MS + 1)

    rows = query(store_url, "SELECT state, attempts, is_final FROM exports ORDER BY export_id")
    assert [("done", 1, True), ("pending", 0, False)] == [(row["state"], row["attempts"], bool(row["is_final"])) for row in rows]


def test_state_counts_exports_and_tells_a_reason(store: Store):
    """
    For doctor: how many wait, ended or died, and why.
    """
    queue(store, "r1", "r2")
    first, _ = take(store)
    store.settle_exports([dead(first, "413 too large")], now_ms=NOW_MS)

    state = store.state()

    found = {(one["destination"], one["state"]): (one["count"], one["reason"]) for one in state["exports"]}
    assert {("otlp", "pending"): (1, None), ("otlp", "dead"): (1, "413 too large")} == found
    assert {NOW_MS, NOW_MS + 1} == {one["oldest_queued_ms"] for one in state["exports"]}
    assert (2, 2, NOW_MS, None) == (
        state["rows"]["events"],
        state["rows"]["calls"],
        state["last_received_ms"],
        state["oldest_due_ms"],
    )


def test_spans_can_be_queued_once_more(store: Store):
    """
    Those of settled calls of the project and time, encoded anew: sent ones, dead ones, and those that never were to be sent.
    What waits already stays as it is, and what is not sampled stays at home.
    """
    for number, (request_id, destinations) in enumerate({"r1": ("otlp",), "r2": (), "r3": ("otlp",), "r4": ("otlp",)}.items()):
        append(store, event(f"e-{request_id}", request_id=request_id), start=True, terminal=True)
        (claimed,) = claim(store)
        at = {"span_id": f"{request_id:0>16}", "start_ms": float(NOW_MS + number)}
        store.settle_calls([settlement(claimed, destinations=destinations, **at)], now_ms=NOW_MS)
    append(store, event("open", request_id="r5"), start=True)
    one, three, four = take(store)
    store.settle_exports([done(one), dead(three), retry(four)], now_ms=NOW_MS + 200)

    def encode(span: Span) -> bytes:
        assert {"gen_ai.request.model": "gpt-4o"} == span.attributes
        return f"again {span.request_id}".encode()

    def again(**which: Any) -> int:
        asked = Resend(**{"project": "p", "destination": "otlp", "since_ms": NOW_MS, **which})
        return store.queue_again(asked, encode, now_ms=NOW_MS + 300)

    assert [0, 0, 0] == [again(project="else"), again(since_ms=NOW_MS + 99), again(until_ms=NOW_MS)]
    assert 2 == again(until_ms=NOW_MS + 2)
    assert 1 == again()
    assert 0 == again()
    assert [b"again r1", b"again r2", b"again r3"] == sorted(span.encoded for span in take(store, now_ms=NOW_MS + 400))
    assert [b"span"] == [span.encoded for span in take(store, now_ms=NOW_MS + 9_000) if span.span_id.endswith("r4")]
    assert 4 == again(destination="jsonl")
    assert [OWN_HOOK] * 4 == [span.resource for span in take(store, destination="jsonl", now_ms=NOW_MS + 400)]
