"""
What every engine keeps of `WorkQueue` for exports: a span is queued once, given to one worker, and ends in one state.
"""

from collector.storage.protocols import ExportClaim, ExportDead, ExportDone, ExportRetry, Store
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
    store: Store, *, now_ms: int = NOW_MS + 100, limit: int = 100, max_bytes: int = 10**6, destination: str = "otlp"
) -> list[ExportClaim]:
    """Claim spans to send."""
    return store.claim_exports(owner="w1", destination=destination, now_ms=now_ms, lease_ms=500, limit=limit, max_bytes=max_bytes)


def test_queued_span_is_claimed_with_its_bytes_and_resource(store: Store):
    """
    The claim has what the exporter needs; another destination has nothing to do.
    """
    queue(store, "r1", encoded=b"\x00\xff")

    (claimed,) = take(store)

    assert (b"\x00\xff", OWN_HOOK, 0, "p") == (claimed.encoded, claimed.resource, claimed.attempts, claimed.project)
    assert [] == take(store, destination="jsonl")


def test_claimed_span_comes_back_when_the_lease_ends(store: Store):
    """
    Nobody gets it while the lease lasts; a worker that died loses it.
    """
    queue(store, "r1")
    take(store)

    assert [] == take(store, now_ms=NOW_MS + 599)
    assert NOW_MS + 600 == store.next_due_ms(now_ms=NOW_MS + 100)
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


def test_outcomes_are_stored(store: Store, store_url: str):
    """
    Done loses its bytes and is never due again; retry waits for its time; dead keeps bytes and reason.
    """
    queue(store, "r1", "r2", "r3")
    done, again, dead = take(store)

    outcomes = (
        ExportDone(export_id=done.export_id),
        ExportRetry(export_id=again.export_id, next_at_ms=NOW_MS + 9_000, reason="503"),
        ExportDead(export_id=dead.export_id, reason="400 bad span"),
    )
    store.settle_exports(outcomes, now_ms=NOW_MS + 200)

    assert NOW_MS + 9_000 == store.next_due_ms(now_ms=NOW_MS + 300)
    (claimed,) = take(store, now_ms=NOW_MS + 9_000)
    assert (again.span_id, 1) == (claimed.span_id, claimed.attempts)
    kept = "SELECT state, reason, encoded IS NOT NULL AS kept FROM exports ORDER BY span"
    rows = [(row["state"], row["reason"], bool(row["kept"])) for row in query(store_url, kept)]
    assert [("done", None, False), ("pending", "503", True), ("dead", "400 bad span", True)] == rows


def test_dead_spans_can_be_tried_again(store: Store):
    """
    All dead spans of a destination are due again, with the same bytes.
    """
    queue(store, "r1", "r2")
    store.settle_exports([ExportDead(export_id=one.export_id, reason="400") for one in take(store)], now_ms=NOW_MS)

    assert 0 == store.retry_dead_exports(destination="jsonl", now_ms=NOW_MS)
    assert 2 == store.retry_dead_exports(destination=None, now_ms=NOW_MS)
    assert [b"span", b"span"] == [one.encoded for one in take(store)]


def test_span_is_queued_once_however_often_its_call_is_settled(store: Store, store_url: str):
    """
    The row that is there stays as it is, whatever its state and whatever bytes come later; the final one of an
    incomplete span is a row of its own.
    """
    queue(store, "r1")
    store.settle_exports([ExportDone(export_id=one.export_id) for one in take(store)], now_ms=NOW_MS)
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
    store.settle_exports([ExportDead(export_id=first.export_id, reason="413 too large")], now_ms=NOW_MS)

    state = store.state()

    found = {(one["destination"], one["state"]): (one["count"], one["reason"]) for one in state["exports"]}
    assert {("otlp", "pending"): (1, None), ("otlp", "dead"): (1, "413 too large")} == found
    assert (2, 2, NOW_MS, None) == (
        state["rows"]["events"],
        state["rows"]["calls"],
        state["last_received_ms"],
        state["oldest_due_ms"],
    )
