"""
Forgetting on both engines: everything of somebody goes, nothing of anybody else, and on SQLite the bytes too.
"""

from pathlib import Path
from typing import Any

import pytest

from collector.events import HookState
from collector.keeping.forgetting import forget
from collector.storage.keeper import Subject, SubjectField
from collector.storage.outbox import ExportDone
from collector.storage.protocols import Store
from tests.end_to_end.database import query
from tests.fakes.clock import FakeClock
from tests.fakes.kept import dangling, media, old_call, rows, showing
from tests.fakes.stored import NOW_MS, append, claim, event, settlement

MARKER = "Zwischenahn-4711"


def wipe(store: Store, field: SubjectField, value: str, *, vacuum: bool = False):
    """Forget, with a clock that moves while one waits."""
    clock = FakeClock(NOW_MS)
    subject = Subject(project="p", field=field, value=value)
    return forget(store, subject, clock=clock, wait=lambda s: clock.advance(s * 1000), with_vacuum=vacuum)


def fill_for(store: Store, user: str, *, name: str, **more: Any) -> None:
    """A call of a user, settled and waiting for export, with a picture."""
    old_call(
        store, name, at_ms=NOW_MS, columns={"user_id": user, **more}, blob=media(f"picture of {user}".encode()),
        destinations=("otlp",), trace_id=name[0] * 32, span_id=name[0] * 16, user_id=user, **more,
    )  # fmt: skip


def test_everything_of_a_user_goes_and_nothing_else(store: Store, store_url: str):
    """
    Calls, also running ones, spans that wait, media, states of browser hooks, events without a call; the other user keeps all.
    """
    fill_for(store, "ann", name="a1", run_id="run-a")
    fill_for(store, "bob", name="b1", run_id="run-b")
    old_call(store, "a2", at_ms=NOW_MS, settled=False, columns={"user_id": "ann"})
    state = HookState(hook_id="hook-a", timestamp=NOW_MS, sequence=0, state="{}")
    snapshot = event("s", request_id=None, user_id="ann", type="hook:state-snapshot", payload={"hookId": "hook-a"})
    append(store, snapshot, hook_states=(state,))
    append(store, event("copy-a", request_id=None, run_id="run-a"), event("copy-b", request_id=None, run_id="run-b"))
    tables = ("events", "calls", "spans", "tool_calls", "exports", "call_work", "blobs", "hook_states")
    before = rows(store_url, *tables)

    done = wipe(store, "user_id", "ann")

    assert {"calls": 2, "blobs": 1, "hook_states": 1, "events": 6, "exports": 1}.items() <= done.counts.items()
    after = rows(store_url, *tables)
    assert {
        "events": 3,
        "calls": 1,
        "spans": 1,
        "tool_calls": 1,
        "exports": 1,
        "call_work": 0,
        "blobs": 1,
        "hook_states": 0,
    } == after
    assert before["events"] - after["events"] == 6
    assert {} == dangling(store_url)
    assert {} == wipe(store, "user_id", "ann").counts


@pytest.mark.parametrize("field", ["session_id", "client_id"])
def test_a_session_or_a_client(store: Store, store_url: str, field: SubjectField):
    """
    The same for whoever is named by another field, in its project only.
    """
    fill_for(store, "u", name="a1", **{field: "x"})
    fill_for(store, "u", name="b1", **{field: "y"})
    old_call(store, "q1", project="q", columns={field: "x"})

    assert 1 == wipe(store, field, "x").counts["calls"]
    assert (1, 1) == (rows(store_url, "calls")["calls"], rows(store_url, "calls", project="q")["calls"])
    assert {} == dangling(store_url)


def test_a_call_takes_those_inside_it_along(store: Store, store_url: str):
    """
    An agent's calls were told what the agent was: they go with it, settled or not.
    """
    old_call(store, "agent", at_ms=NOW_MS)
    old_call(store, "inner", at_ms=NOW_MS, columns={"parent_request_id": "agent"}, parent_request_id="agent")
    old_call(store, "innermost", at_ms=NOW_MS, settled=False, columns={"parent_request_id": "inner"})
    old_call(store, "other", at_ms=NOW_MS)

    assert 3 == wipe(store, "request_id", "agent").counts["calls"]
    assert ["other"] == [row["request_id"] for row in query(store_url, "SELECT request_id FROM calls")]


def test_a_picture_that_somebody_else_shows_stays(store: Store, store_url: str):
    """
    Media go with their last reference.
    """
    shared = media(b"the logo")
    for user in ("ann", "bob"):
        old_call(store, f"of-{user}", at_ms=NOW_MS, columns={"user_id": user}, blob=shared)

    wipe(store, "user_id", "ann")
    assert store.blob("p", shared.sha256) is not None
    wipe(store, "user_id", "bob")
    assert store.blob("p", shared.sha256) is None


def test_a_call_in_work_is_waited_for(store: Store, store_url: str):
    """
    A worker that holds the call would write it anew when it settles: forgetting waits until it let go.
    """
    old_call(store, "r", at_ms=NOW_MS, settled=False, columns={"user_id": "ann"})
    (held,) = claim(store, lease_ms=30_000)
    waits: list[float] = []
    clock = FakeClock(NOW_MS)

    def let_go(seconds: float) -> None:
        waits.append(seconds)
        clock.advance(seconds * 1000)
        if len(waits) == 3:
            store.settle_calls([settlement(held, user_id="ann")], now_ms=NOW_MS)

    subject = Subject(project="p", field="user_id", value="ann")
    done = forget(store, subject, clock=clock, wait=let_go, with_vacuum=False)

    assert (3, 1, 1) == (len(waits), done.counts["calls"], done.counts["spans"])
    assert {"calls": 0, "spans": 0} == rows(store_url, "calls", "spans")


def test_what_was_exported_is_told(store: Store, store_url: str):
    """
    A backend has the span already: how many, so that somebody can delete them there.
    """
    fill_for(store, "ann", name="a1")
    (span,) = store.claim_exports(owner="w", destination="otlp", now_ms=NOW_MS, lease_ms=1, limit=9, max_bytes=10**6)
    store.settle_exports([ExportDone(export_id=span.export_id)], now_ms=NOW_MS)

    assert 1 == wipe(store, "user_id", "ann").exported_spans


def test_a_number_of_a_forgotten_span_is_not_given_again(store: Store, store_url: str):
    """
    A worker that is sending it settles it afterwards: that must not end another span.
    """
    fill_for(store, "ann", name="a1")
    (sending,) = store.claim_exports(owner="w", destination="otlp", now_ms=NOW_MS, lease_ms=1, limit=9, max_bytes=10**6)
    wipe(store, "user_id", "ann")
    fill_for(store, "bob", name="b1")
    store.settle_exports([ExportDone(export_id=sending.export_id)], now_ms=NOW_MS)

    assert ["pending"] == [row["state"] for row in query(store_url, "SELECT state FROM exports WHERE project = 'p'")]


def test_who_is_forgotten_is_not_blocked(store: Store, store_url: str):
    """
    What comes later is kept as ever.
    """
    fill_for(store, "ann", name="a1")
    wipe(store, "user_id", "ann")
    fill_for(store, "ann", name="a1")

    assert {"calls": 1, "events": 2, "blobs": 1} == rows(store_url, "calls", "events", "blobs")


def test_the_bytes_are_gone_from_the_file(sqlite_url: str, request: pytest.FixtureRequest):
    """
    Nothing of it stands in the database or its log, where calls were stored, assembled twice and moved between pages.
    """
    from collector.storage.engines import open_store

    path = Path(sqlite_url.removeprefix("sqlite:///"))
    store = open_store(sqlite_url, settle_ms=0)
    try:
        for number in range(60):
            user = "ann" if number % 3 else "bob"
            text = f"{MARKER} {number} " * 40 if user == "ann" else f"harmless {number} " * 40
            blob = media(text.encode())
            row = event(f"e{number}", request_id=f"r{number}", user_id=user, payload={"content": text, **showing(blob)})
            append(store, row, start=True, terminal=True, blobs=(blob,))
            claims = [
                settlement(one, prompt_preview=text, user_id=user, destinations=("otlp",), encoded=text.encode())
                for one in claim(store)
            ]
            store.settle_calls(claims, now_ms=NOW_MS)
        store.mark_all_dirty(project="p", request_id=None, now_ms=NOW_MS)
        store.settle_calls([settlement(one) for one in claim(store)], now_ms=NOW_MS)
        assert MARKER in raw(path)

        done = wipe(store, "user_id", "ann", vacuum=True)

        assert MARKER not in raw(path)
        assert "harmless" in raw(path)
        assert 40 == done.counts["calls"]
        assert done.bytes_after is not None
        assert done.bytes_before is not None
        assert done.bytes_after < done.bytes_before
    finally:
        store.close()


def raw(path: Path) -> str:
    """Every byte of the database and what lies beside it."""
    return "".join(file.read_bytes().decode("latin-1") for file in path.parent.glob(f"{path.name}*"))
