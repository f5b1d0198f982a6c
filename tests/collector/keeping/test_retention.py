"""
Retention on both engines: what goes, what stays, and that nothing is left behind.
"""

from collector.events import HookState
from collector.keeping.retention import DAY_MS, RetentionLimits, RetentionWorker
from collector.storage.keeper import RetentionRule
from collector.storage.outbox import ExportDone
from collector.storage.protocols import Store
from tests.fakes.clock import FakeClock
from tests.fakes.kept import OLD_MS, dangling, media, old_call, rows
from tests.fakes.stored import NOW_MS, TRACE_ID, append, claim, event

TABLES = ("events", "calls", "spans", "tool_calls", "token_usage", "call_health", "call_work", "exports", "blobs", "blob_refs")


def retention(store: Store, *, days: int | None = 30, max_bytes: int | None = None) -> RetentionWorker:
    """A worker at the time of the tests' events."""
    limits = RetentionLimits(days=days, max_bytes=max_bytes)
    return RetentionWorker(store, limits, clock=FakeClock(NOW_MS), queued_events=store.queued_events)


def test_old_call_goes_with_everything_of_it(store: Store, store_url: str):
    """
    Events, spans, tools, usage, health, exports that are done, media: no row is left. A young call keeps all of its own.
    """
    old_call(store, "old", destinations=("otlp",), blob=media(b"a picture"), trace_id="c" * 32)
    (span,) = store.claim_exports(owner="w", destination="otlp", now_ms=NOW_MS, lease_ms=1, limit=9, max_bytes=10**6)
    store.settle_exports([ExportDone(export_id=span.export_id)], now_ms=NOW_MS)
    old_call(store, "young", at_ms=NOW_MS - DAY_MS, blob=media(b"another"))

    removed = retention(store).run_pass()

    assert (1, 2, 1) == (removed["calls"], removed["events"], removed["blobs"])
    assert {"events": 2, "calls": 1, "spans": 1, "tool_calls": 1, "token_usage": 1, "call_health": 1, "call_work": 0}.items() <= (
        found := rows(store_url, *TABLES)
    ).items()
    assert (0, 1, 1) == (found["exports"], found["blobs"], found["blob_refs"])
    assert {} == dangling(store_url)


def test_open_work_and_waiting_spans_stay(store: Store, store_url: str):
    """
    A call that runs, one whose spans wait for the backend, one with a claim: each is kept, whole, however old.
    """
    old_call(store, "waits", destinations=("otlp",), trace_id="c" * 32)
    old_call(store, "runs", settled=False)
    old_call(store, "gone", trace_id="d" * 32)

    removed = retention(store).run_pass()

    assert 1 == removed["calls"]
    assert {"events": 4, "calls": 2, "exports": 1, "call_work": 1}.items() <= rows(store_url, *TABLES).items()


def test_history_that_was_brought_in_late_counts_from_its_receipt(store: Store, store_url: str):
    """
    Events of last year that came yesterday are kept as long as if they were of yesterday; so is a call that got late news.
    """
    old_call(store, "imported", columns={"received_at": NOW_MS - DAY_MS})
    append(store, event("loose", request_id=None, timestamp=OLD_MS, received_at=NOW_MS - DAY_MS))

    retention(store).run_pass()

    assert {"events": 3, "calls": 1} == rows(store_url, "events", "calls")


def test_events_without_a_call_go_by_their_own_age(store: Store, store_url: str):
    """
    Old ones go, young ones stay, and those whose clock runs years ahead go by their receipt.
    """
    for name, timestamp, received in (
        ("old", OLD_MS, OLD_MS),
        ("young", NOW_MS, NOW_MS),
        ("ahead", NOW_MS + 900 * DAY_MS, OLD_MS),
        ("ahead-young", NOW_MS + 900 * DAY_MS, NOW_MS),
    ):
        append(store, event(name, request_id=None, timestamp=timestamp, received_at=received))
    old_call(store, "call-ahead", at_ms=NOW_MS + 900 * DAY_MS, columns={"received_at": OLD_MS})

    retention(store).run_pass()

    assert {"events": 2, "calls": 0} == rows(store_url, "events", "calls")
    assert {} == dangling(store_url)


def test_trace_is_kept_together_for_a_day(store: Store, store_url: str):
    """
    A call whose trace goes on within the limit waits for it; not longer than a day.
    """
    cutoff_ms = NOW_MS - 30 * DAY_MS
    old_call(store, "root", at_ms=cutoff_ms - 1000, trace_id=TRACE_ID)
    old_call(store, "child", at_ms=cutoff_ms + 1000, trace_id=TRACE_ID)
    old_call(store, "ancient", at_ms=cutoff_ms - 2 * DAY_MS, trace_id=TRACE_ID)

    assert 1 == retention(store).run_pass()["calls"]
    assert store.call("p", "ancient") is None
    assert store.call("p", "root") is not None


def test_project_has_limits_of_its_own(store: Store, store_url: str):
    """
    A rule overrides the default, 0 means for ever, and without a rule the default is back.
    """
    for project in ("p", "q", "r"):
        old_call(store, "old", project=project)
    store.set_retention(RetentionRule(project="q", days=0, max_bytes=None))
    store.set_retention(RetentionRule(project="r", days=200, max_bytes=None))
    retention(store).run_pass()

    assert (0, 1, 1) == tuple(rows(store_url, "calls", project=project)["calls"] for project in ("p", "q", "r"))
    assert ["q", "r"] == [rule.project for rule in store.retention_rules()]

    store.set_retention(RetentionRule(project="q", days=None, max_bytes=None))
    retention(store).run_pass()

    assert (0, 1) == tuple(rows(store_url, "calls", project=project)["calls"] for project in ("q", "r"))


def test_without_limits_everything_stays(store: Store, store_url: str):
    """
    No setting, no rule: nothing is removed.
    """
    old_call(store, "old")

    assert 0 == sum(retention(store, days=None).run_pass().values())


def test_size_takes_the_oldest_first(store: Store, store_url: str):
    """
    Over the limit the oldest calls and events go, whatever their age, until the rest fits. Media count too.
    """
    for number in range(10):
        old_call(store, f"r{number}", at_ms=NOW_MS - (10 - number) * 60_000, trace_id=f"{number:032}")
    append(store, event("loose", request_id=None, timestamp=NOW_MS - 11 * 60_000))
    old_call(store, "pictured", at_ms=NOW_MS - 5 * 60_000 + 1, blob=media(bytes(50_000)), trace_id="e" * 32)
    worker = retention(store, days=None, max_bytes=10**9)
    worker.run_pass()
    whole = store.sizes()["p"]

    retention(store, days=None, max_bytes=whole - 3_000).run_pass()

    assert store.call("p", "r0") is None
    assert store.call("p", "r9") is not None
    assert whole - 8_000 < store.sizes()["p"] <= whole - 3_000

    retention(store, days=None, max_bytes=9_000).run_pass()

    assert {"blobs": 0, "blob_refs": 0} == rows(store_url, "blobs", "blob_refs")
    assert store.call("p", "r9") is not None
    assert store.sizes()["p"] <= 9_000
    assert {} == dangling(store_url)


def test_sizes_are_those_of_what_is_there(store: Store, store_url: str):
    """
    Counted as events come and taken off as they go, the sum is the same as a fresh count.
    """
    for number in range(6):
        old_call(store, f"r{number}", at_ms=OLD_MS if number % 2 else NOW_MS, trace_id=f"{number:032}")
    worker = retention(store, max_bytes=10**9)
    worker.run_pass()
    kept = store.sizes()["p"]
    assert {"events": 6} == rows(store_url, "events")

    old_call(store, "later", at_ms=NOW_MS, trace_id="f" * 32)
    worker.run_pass()

    assert abs(store.sizes()["p"] - kept * 4 / 3) < kept * 0.02


def test_media_go_with_their_last_reference(store: Store, store_url: str):
    """
    Two calls show one picture: it stays until the second goes.
    """
    picture = media(b"shown twice")
    old_call(store, "first", blob=picture, trace_id="c" * 32)
    old_call(store, "second", at_ms=NOW_MS, blob=picture)

    retention(store).run_pass()
    assert store.blob("p", picture.sha256) is not None

    store.set_retention(RetentionRule(project="p", days=None, max_bytes=1))
    retention(store).run_pass()
    assert store.blob("p", picture.sha256) is None


def test_states_and_resources_go_when_nothing_needs_them(store: Store, store_url: str):
    """
    An old hook state, and a resource that only removed calls had; the one of a kept call stays.
    """
    state = HookState(hook_id="h", timestamp=OLD_MS, sequence=0, state="{}")
    append(store, event("s", request_id=None, timestamp=OLD_MS, received_at=OLD_MS), hook_states=(state,), received_ms=OLD_MS)
    old_call(store, "old")

    retention(store).run_pass()
    assert {"hook_states": 0, "resources": 0} == rows(store_url, "hook_states", "resources")

    old_call(store, "kept", at_ms=NOW_MS)
    retention(store).run_pass()
    assert {"resources": 1} == rows(store_url, "resources")


def test_late_event_of_a_removed_call_makes_it_anew(store: Store, store_url: str):
    """
    What comes after a removal is a call of its own, which assembly finds.
    """
    old_call(store, "r")
    retention(store).run_pass()

    append(store, event("late", request_id="r", timestamp=OLD_MS))

    assert ["r"] == [one.request_id for one in claim(store)]
    assert {} == dangling(store_url)


def test_arrivals_are_never_given_twice(store: Store, store_url: str):
    """
    A reader that goes on from the last event it saw misses nothing, though that event and all after it were removed.
    """
    old_call(store, "r")
    seen = store.last_arrival("p")
    retention(store).run_pass()
    assert {"events": 0} == rows(store_url, "events")

    append(store, event("next", request_id=None))
    append(store, event("after", request_id=None))

    assert ["next", "after"] == [row["event_id"] for row in store.events_after("p", seen, limit=10)]
    retention(store, days=1).run_pass()
    assert [] == [row for row in store.projects() if row != "p"]


def test_crash_between_steps_leaves_nothing_half(store: Store, store_url: str):
    """
    After every single step, whatever comes next, no row refers to nothing but media that the next pass collects.
    """
    for number in range(6):
        old_call(store, f"r{number}", blob=media(b"%d" % (number % 3)), trace_id=f"{number:032}")
    worker = retention(store)
    worker._step_events = 4  # pyright: ignore[reportPrivateUsage]

    for steps, _ in enumerate(worker._pass()):  # pyright: ignore[reportPrivateUsage]
        assert {} == {name: count for name, count in dangling(store_url).items() if name != "media without a reference"}, steps

    assert {} == dangling(store_url)
    assert {"events": 0, "calls": 0, "blobs": 0} == rows(store_url, "events", "calls", "blobs")
