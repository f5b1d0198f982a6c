"""
What every engine keeps of `WorkQueue` for calls: when they are due, who may have them, what settling stores.
"""

import pytest

from collector.spans import Health
from collector.storage.protocols import CallFilter, Store
from tests.end_to_end.database import count, query
from tests.fakes.stored import FOREIGN, NOW_MS, OWN_HOOK, TRACE_ID, append, claim, event, settlement

SETTLE_MS = 1_000


def test_finished_call_of_our_own_hook_is_due_at_once(store: Store):
    """
    Start and end of one of our hooks are stored: nothing to wait for.
    """
    append(store, event("e1"), event("e2"), start=True, terminal=True)

    assert NOW_MS == store.next_due_ms(now_ms=NOW_MS)


def test_start_and_end_may_come_in_two_requests(store: Store):
    """
    What was known of the call before counts: the end alone completes it.
    """
    append(store, event("e1"), start=True)
    assert NOW_MS + SETTLE_MS == store.next_due_ms(now_ms=NOW_MS)

    append(store, event("e2"), terminal=True, received_ms=NOW_MS + 300)

    assert NOW_MS + 300 == store.next_due_ms(now_ms=NOW_MS)


def test_foreign_call_is_due_after_the_settling_time_of_its_last_event(store: Store):
    """
    Foreign senders may send in any order, so each event moves the time on once the end is known.
    """
    append(store, event("e1"), event("e2"), start=True, terminal=True, resource=FOREIGN)
    append(store, event("e3"), resource=FOREIGN, received_ms=NOW_MS + 400)

    assert NOW_MS + 400 + SETTLE_MS == store.next_due_ms(now_ms=NOW_MS)
    assert [] == claim(store, now_ms=NOW_MS + 400 + SETTLE_MS - 1)


def test_running_stream_keeps_its_time(store: Store):
    """
    Chunks of a call without an end don't push its time away, so a long stream is looked at while it runs.
    """
    append(store, event("e1"), start=True)
    append(store, event("e2"), received_ms=NOW_MS + 900)

    assert NOW_MS + SETTLE_MS == store.next_due_ms(now_ms=NOW_MS)


def test_long_stream_is_looked_at_ever_more_seldom(store: Store):
    """
    Each look at a running call reads all its events: the time to the next grows with the call's age, until its end is known.
    """
    append(store, event("e1"), start=True, resource=FOREIGN)
    minute_later = NOW_MS + 60_000
    (claimed,) = claim(store, now_ms=minute_later)
    append(store, event("e2"), resource=FOREIGN, received_ms=minute_later)

    store.settle_calls([settlement(claimed, settled=False, look_again_ms=minute_later + 5)], now_ms=minute_later)
    assert minute_later + 15_000 == store.next_due_ms(now_ms=minute_later)

    append(store, event("e3"), resource=FOREIGN, received_ms=minute_later + 100)
    assert minute_later + 15_000 == store.next_due_ms(now_ms=minute_later)

    append(store, event("e4"), resource=FOREIGN, received_ms=minute_later + 200, terminal=True)
    assert minute_later + 200 + SETTLE_MS == store.next_due_ms(now_ms=minute_later)


def test_claim_brings_all_that_assembly_needs(store: Store):
    """
    Events in order of arrival with decoded payloads, the sender's resource, times of receipt.
    """
    append(store, event("e2", timestamp=NOW_MS + 1, fraction=0.5, sequence=2, payload={"delta": "x"}), start=True)
    append(store, event("e1", received_at=NOW_MS + 9), terminal=True, received_ms=NOW_MS + 9)

    (claimed,) = claim(store, now_ms=NOW_MS + 10)

    assert ["e2", "e1"] == [one.event_id for one in claimed.events]
    assert (NOW_MS + 1.5, 2, {"type": "text:request:started", "delta": "x"}) == (
        claimed.events[0].timestamp_ms, claimed.events[0].sequence, claimed.events[0].payload,
    )  # fmt: skip
    assert OWN_HOOK == claimed.resource
    assert (NOW_MS, NOW_MS + 9, None, None) == (
        claimed.first_received_ms, claimed.last_received_ms, claimed.trace_id, claimed.exported,
    )  # fmt: skip


def test_claims_are_the_oldest_due_first_and_no_more_than_asked_for(store: Store):
    """
    The limit holds, and what waits longest goes first.
    """
    for number in (3, 1, 2):
        append(store, event(f"e{number}", request_id=f"r{number}"), start=True, terminal=True, received_ms=NOW_MS + number)

    first = claim(store, now_ms=NOW_MS + 10, limit=2)

    assert ["r1", "r2"] == [one.request_id for one in first]
    assert ["r3"] == [one.request_id for one in claim(store, now_ms=NOW_MS + 10)]


def test_call_has_one_owner_until_its_lease_ends(store: Store):
    """
    A claimed call is nobody else's; when the lease ends without a settlement it is given out anew.
    """
    append(store, event("e1"), start=True, terminal=True)
    claim(store, lease_ms=500)

    assert [] == claim(store, owner="w2", now_ms=NOW_MS + 499)
    assert NOW_MS + 500 == store.next_due_ms(now_ms=NOW_MS + 1)
    assert ["r1"] == [one.request_id for one in claim(store, owner="w2", now_ms=NOW_MS + 500)]


def test_event_during_assembly_is_not_forgotten(store: Store):
    """
    An event that comes between claim and settlement makes the call due again, although the outcome was final.
    """
    append(store, event("e1"), event("e2"), start=True, terminal=True)
    (claimed,) = claim(store)
    append(store, event("e3"), received_ms=NOW_MS + 50)
    assert [] == claim(store, owner="w2", now_ms=NOW_MS + 100)

    store.settle_calls([settlement(claimed)], now_ms=NOW_MS + 100)

    (again,) = claim(store, now_ms=NOW_MS + 100)
    assert 3 == len(again.events)


def test_settled_call_has_no_work_left(store: Store, store_url: str):
    """
    The work item goes with the settlement; the next event makes a new one.
    """
    append(store, event("e1"), start=True, terminal=True)
    store.settle_calls([settlement(claim(store)[0])], now_ms=NOW_MS)
    assert store.next_due_ms(now_ms=NOW_MS) is None
    assert 0 == count(store_url, "SELECT count(*) FROM call_work")

    append(store, event("late"), received_ms=NOW_MS + 5)

    assert NOW_MS + 5 + SETTLE_MS == store.next_due_ms(now_ms=NOW_MS)


def test_running_call_is_looked_at_again_when_assembly_says_so(store: Store):
    """
    Not settled and nothing new: due at `look_again_ms`, free for any owner.
    """
    append(store, event("e1"), start=True)
    (claimed,) = claim(store, now_ms=NOW_MS + SETTLE_MS)

    outcome = settlement(claimed, settled=False, look_again_ms=NOW_MS + 60_000, status="running", end_ms=None, duration_ms=None)
    store.settle_calls([outcome], now_ms=NOW_MS + SETTLE_MS)

    assert NOW_MS + 60_000 == store.next_due_ms(now_ms=NOW_MS)
    assert 1 == len(claim(store, owner="w2", now_ms=NOW_MS + 60_000))


def test_released_call_is_due_when_told(store: Store):
    """
    A claim given back is free at once and due at the time given.
    """
    append(store, event("e1"), start=True, terminal=True)

    store.release_calls([(one.project, one.request_id) for one in claim(store)], retry_at_ms=NOW_MS + 200)

    assert NOW_MS + 200 == store.next_due_ms(now_ms=NOW_MS)
    assert 1 == len(claim(store, owner="w2", now_ms=NOW_MS + 200))


def test_settling_again_replaces_everything(store: Store):
    """
    The second outcome stands alone: no span, tool, usage or health of the first is left.
    """
    append(store, event("e1"), start=True, terminal=True)
    store.settle_calls([settlement(claim(store)[0], tools=("search", "fetch"), health=Health(late=True))], now_ms=NOW_MS)
    append(store, event("e2"))
    (claimed,) = claim(store, now_ms=NOW_MS + 2_000)

    store.settle_calls([settlement(claimed, tools=("fetch",), status="error", span_id="c" * 16)], now_ms=NOW_MS + 7)

    details = store.call_details("p", "r1")
    assert ["c" * 16] == [row["span_id"] for row in details["spans"]]
    assert ["fetch"] == [row["tool_name"] for row in details["tool_calls"]]
    assert [10] == [row["input_tokens"] for row in details["token_usage"]]
    assert [False] == [row["late"] for row in details["trace_health"]]
    (row,) = store.calls(CallFilter(project="p")).items
    assert ("error", NOW_MS + 7) == (row["status"], row["updated_ms"])


def test_settlement_is_one_transaction(store: Store, store_url: str):
    """
    One outcome that can't be stored leaves the whole settlement undone, claims included.
    """
    for number in (1, 2):
        append(store, event(f"e{number}", request_id=f"r{number}"), start=True, terminal=True)
    good, bad = claim(store)

    with pytest.raises(Exception, match="refused"):
        store.settle_calls([settlement(good), settlement(bad, chunk_count=2**70)], now_ms=NOW_MS)

    assert ["running", "running"] == [row["status"] for row in store.calls(CallFilter(project="p")).items]
    assert [0, 2] == [count(store_url, f"SELECT count(*) FROM {table}") for table in ("spans", "call_work")]


def test_end_of_a_run_makes_work_for_its_calls(store: Store):
    """
    `run:errored` concerns the calls of its run: they are due again, and their claim brings it.
    """
    append(store, event("e1", run_id="run"), start=True)
    (claimed,) = claim(store, now_ms=NOW_MS + SETTLE_MS)
    store.settle_calls(
        [settlement(claimed, settled=False, look_again_ms=NOW_MS + 10**6, run_id="run")], now_ms=NOW_MS + SETTLE_MS
    )

    append(store, event("end", type="run:errored", request_id=None, run_id="run"), run_ends=["run"], received_ms=NOW_MS + 2_000)

    (again,) = claim(store, now_ms=NOW_MS + 2_000 + SETTLE_MS)
    assert ["run:errored"] == [one.type for one in again.run_ends]
    assert ["e1"] == [one.event_id for one in again.events]


def test_end_of_a_run_that_came_first_is_found(store: Store):
    """
    The run's end was stored before the call: its claim brings it all the same; another run's is not brought.
    """
    for run_id in ("run", "another"):
        append(store, event(f"end-{run_id}", type="run:cancelled", request_id=None, run_id=run_id), run_ends=[run_id])
    append(store, event("e1", run_id="run"), start=True)

    (claimed,) = claim(store, now_ms=NOW_MS + SETTLE_MS)

    assert ["end-run"] == [one.event_id for one in claimed.run_ends]


def test_reassembly_keeps_trace_ids_and_what_was_exported(store: Store):
    """
    All calls are due again, know their trace id and the status under which they were exported.
    """
    append(store, event("e1"), event("e2", request_id="r2"), start=True, terminal=True)
    store.settle_calls([settlement(one, destinations=("otlp",)) for one in claim(store)], now_ms=NOW_MS)

    assert 1 == store.mark_all_dirty(project=None, request_id="r2", now_ms=NOW_MS)
    assert 2 == store.mark_all_dirty(project="p", request_id=None, now_ms=NOW_MS)
    assert 0 == store.mark_all_dirty(project="other", request_id=None, now_ms=NOW_MS)

    assert [(TRACE_ID, "ok"), (TRACE_ID, "ok")] == [(one.trace_id, one.exported) for one in claim(store)]


def test_late_event_keeps_the_call_and_tells_its_first_receipt(store: Store, store_url: str):
    """
    An event after settling brings the whole call back, with the receipt of its first event.
    """
    append(store, event("e1"), start=True, terminal=True)
    store.settle_calls([settlement(claim(store)[0])], now_ms=NOW_MS)
    append(store, event("late", received_at=NOW_MS + 500), received_ms=NOW_MS + 500)

    (claimed,) = claim(store, now_ms=NOW_MS + 500 + SETTLE_MS)

    assert (NOW_MS, NOW_MS + 500) == (claimed.first_received_ms, claimed.last_received_ms)
    assert [{"status": "ok"}] == query(store_url, "SELECT status FROM calls")


def test_call_remembers_when_it_first_settled(store: Store):
    """
    The first time counts: neither a later event nor a reassembly moves it, and a call that runs has none.
    """
    append(store, event("e1"), start=True)
    (running,) = claim(store, now_ms=NOW_MS + SETTLE_MS)
    store.settle_calls([settlement(running, settled=False, look_again_ms=NOW_MS + 2_000)], now_ms=NOW_MS + 1_500)
    (ended,) = claim(store, now_ms=NOW_MS + 2_000)
    store.settle_calls([settlement(ended)], now_ms=NOW_MS + 2_500)
    store.mark_all_dirty(project=None, request_id=None, now_ms=NOW_MS + 3_000)
    (again,) = claim(store, now_ms=NOW_MS + 3_000)
    store.settle_calls([settlement(again)], now_ms=NOW_MS + 3_500)
    append(store, event("e2"), terminal=True, received_ms=NOW_MS + 4_000)
    (late,) = claim(store, now_ms=NOW_MS + 60_000)

    assert [None, None, NOW_MS + 2_500, NOW_MS + 2_500] == [one.settled_ms for one in (running, ended, again, late)]


def test_claims_of_a_broken_off_round_are_free_again(store: Store):
    """
    The database broke off between the claim and its settling: the owner, who has nothing in hand, frees what is its own and
    nobody else's.
    """
    append(store, event("e1"), event("e2"), start=True, terminal=True)
    assert 1 == len(store.claim_calls(owner="me", now_ms=NOW_MS, lease_ms=30_000, limit=10))
    assert [] == store.claim_calls(owner="me", now_ms=NOW_MS, lease_ms=30_000, limit=10)

    store.free_calls(owner="me")

    assert 1 == len(store.claim_calls(owner="me", now_ms=NOW_MS, lease_ms=30_000, limit=10))
