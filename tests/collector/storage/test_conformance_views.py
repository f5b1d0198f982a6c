"""
What users read with their own tools: the promised names and columns, and the views, by the bare drivers.
"""

import pytest

from collector.events import EventRow
from collector.spans import Health
from collector.storage.protocols import Store
from tests.end_to_end.database import query
from tests.fakes.stored import NOW_MS, append, claim, event, settlement

PROMISED = {
    "events": (
        "project, event_id, type, timestamp, received_at, arrival, request_id, parent_request_id, stream_id, message_id, "
        "client_id, thread_id, run_id, tool_call_id, session_id, user_id, source, provider, model, tool_names, "
        "message_count, has_tools, streaming, duration_ms, sequence, trace_id, parent_span_id, service, clock, "
        "schema_issues, reduced, payload"
    ),
    "calls": (
        "project, request_id, parent_request_id, operation, status, start_ms, end_ms, duration_ms, "
        "time_to_first_chunk_ms, provider, model, response_model, finish_reason, error_type, error_message, input_tokens, "
        "output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, usage_source, cost_usd, cost_source, "
        "chunk_count, tool_count, image_count, prompt_preview, answer_preview, service, client_id, thread_id, run_id, "
        "session_id, user_id, trace_id, span_id, late, tags"
    ),
    "spans": (
        "project, trace_id, span_id, parent_span_id, request_id, kind, name, start_ns, end_ns, duration_ms, status, "
        "error_type, tool_name, tool_call_id, attributes"
    ),
    "chunks": "project, request_id, n, at_ms, gap_ms, kind, delta",
    "trace_health": (
        "project, request_id, missing_terminal, missing_start, missing_usage, late, skew_ms, orphan_parent, truncated, "
        "sequence_gap"
    ),
    "exports": "project, span, destination, state, attempts, next_at, reason",
    "tool_calls": "project, request_id, tool_call_id, tool_name, arguments, result, status, duration_ms",
    "token_usage": "project, request_id, input_tokens, output_tokens, cost_usd",
    "resources": "project, service, attributes",
    "blobs": "project, sha256, media_type, bytes, content",
    "hook_states": "project, hook_id, timestamp, sequence, state",
}


@pytest.mark.parametrize("table", PROMISED)
def test_promised_names_can_be_read(store_url: str, table: str):
    """
    Each table or view has its promised columns, on both engines, without our functions.
    """
    assert [] == query(store_url, f"SELECT {PROMISED[table]} FROM {table}")


def chunks(store_url: str, request_id: str = "r1") -> list[tuple[object, ...]]:
    """A call's chunks as a user reads them."""
    sql = f"SELECT n, at_ms - {NOW_MS} AS at, gap_ms, kind, delta FROM chunks WHERE request_id = '{request_id}' ORDER BY n"
    return [tuple(row.values()) for row in query(store_url, sql)]


def test_chunks_takes_packed_ones_apart_and_reads_single_ones(store: Store, store_url: str):
    """
    Packed and single deltas, tool arguments and thinking in one numbered row of pieces with their gaps.
    """
    append(
        store,
        event("e1", sequence=1),
        event("e2", sequence=2, type="text:chunk:thinking", timestamp=NOW_MS + 5, payload={"delta": "hm"}),
        event(
            "e3", sequence=3, type="text:chunk:content", timestamp=NOW_MS + 10, fraction=0.5,
            payload={"chunks": [{"offsetMs": 0, "delta": "He"}, {"offsetMs": 2.25, "delta": "llo"}]},
        ),
        event("e4", sequence=4, type="text:chunk:tool-call", timestamp=NOW_MS + 20, payload={"arguments": '{"a":1}'}),
        event("x", request_id="r2", type="text:chunk:content", payload={"delta": "other"}),
    )  # fmt: skip

    assert [
        (1, 5.0, None, "thinking", "hm"),
        (2, 10.5, 5.5, "content", "He"),
        (3, 12.75, 2.25, "content", "llo"),
        (4, 20.0, 7.25, "tool_call", '{"a":1}'),
    ] == chunks(store_url)


def test_chunks_survives_payloads_of_any_shape(store: Store, store_url: str):
    """
    Whatever a sender put in the place of chunks or offsets: a row less, never an error.
    """
    odd = [3, "abc", {"delta": "x"}, None, [1, "a", None, {"delta": "good", "offsetMs": "soon"}, {"offsetMs": 1}]]
    append(store, *(event(f"e{n}", type="text:chunk:content", payload={"chunks": value}) for n, value in enumerate(odd)))

    assert [(1, 0.0, None, "content", "good")] == chunks(store_url)


def test_offsets_beyond_all_measure_count_as_none(store: Store, store_url: str):
    """
    One absurd chunk spoils no query over the gaps of the others.
    """
    absurd = [{"delta": delta, "offsetMs": offset} for delta, offset in (("a", 1e308), ("b", -1e308), ("c", 2e12), ("d", 10**30))]
    append(store, event("e1", type="text:chunk:content", payload={"chunks": [*absurd, {"delta": "e", "offsetMs": 7}]}))

    assert [(0.0, "a"), (0.0, "b"), (0.0, "c"), (0.0, "d"), (7.0, "e")] == [(row[1], row[4]) for row in chunks(store_url)]
    assert [{"longest": 7.0}] == query(store_url, "SELECT max(gap_ms) AS longest FROM chunks")


def of_one_ms(request_id: str, *told: tuple[str, str, object]) -> list[EventRow]:
    """Chunks (kind, delta, content) of one millisecond whose sender gives no ids, in the order of their arrival."""
    return [
        event(f"{request_id}-{n}", request_id=request_id, type=f"text:chunk:{kind}", payload={"delta": delta, "content": content})
        for n, (kind, delta, content) in enumerate(told)
    ]


def deltas(store_url: str, request_id: str) -> list[object]:
    """In the order of the view."""
    return [row[4] for row in chunks(store_url, request_id)]


def test_pieces_of_one_millisecond_stand_by_the_length_of_the_text_so_far(store: Store, store_url: str):
    """
    Where the sender tells no order, whether the length was kept or all of the text; of equal lengths the first to come.
    """
    by_length = of_one_ms("r1", ("content", "c", 10), ("content", "b", 9), ("content", "", 9), ("content", "a", 2))
    by_text = of_one_ms("r2", ("content", "c", "äbcd"), ("content", "d", "äbcde"), ("content", "ä", "ä"), ("content", "b", "äb"))
    append(store, *by_length, *by_text)

    assert ["a", "b", "", "c"] == deltas(store_url, "r1")
    assert ["ä", "b", "c", "d"] == deltas(store_url, "r2")


def test_texts_side_by_side_are_put_in_order_apart(store: Store, store_url: str):
    """
    Each where its first piece came: the end of a long thought before the answer that follows it, tools' arguments as they came.
    """
    append(
        store,
        *of_one_ms(
            "r1", ("thinking", "y", 800), ("tool-call", "{", None), ("thinking", "x", 790), ("content", "b", 2),
            ("content", "a", 1), ("tool-call", "}", None),
        ),
    )  # fmt: skip

    assert ["x", "y", "{", "a", "b", "}"] == deltas(store_url, "r1")


def test_a_senders_own_order_goes_before_lengths(store: Store, store_url: str):
    """
    Its sequence, and its fractions of a millisecond.
    """
    append(
        store,
        event("e1", type="text:chunk:content", sequence=2, payload={"delta": "b", "content": 1}),
        event("e2", type="text:chunk:content", sequence=1, payload={"delta": "a", "content": 9}),
        event("e3", type="text:chunk:content", fraction=0.5, payload={"delta": "c", "content": 0}),
    )

    assert ["a", "b", "c"] == deltas(store_url, "r1")


ODD_CONTENT = (-1, 1.5, 10**15, 10**30, 1e300, -0.0, True, None, [1], {"a": 1}, "7", "\\u0000", "")


def test_content_of_any_shape_is_a_piece_at_its_place(store: Store, store_url: str):
    """
    What is no length of a text orders nothing, and is no error.
    """
    append(store, *of_one_ms("r1", *(("content", f"{n}", content) for n, content in enumerate(ODD_CONTENT))))

    found = deltas(store_url, "r1")
    assert sorted(map(str, range(len(ODD_CONTENT)))) == sorted(map(str, found))
    assert ["12", "10", "11"] == [one for one in found if str(one) in {"10", "11", "12"}]


@pytest.mark.parametrize("statement", ["SELECT * FROM chunks WHERE request_id = 'r1'"])
def test_chunks_of_one_call_are_found_by_the_index(store: Store, store_url: str, statement: str):
    """
    The condition reaches the index through the window: a call's chunks don't cost a read of all events.
    """
    append(store, *(event(f"e{n}", request_id=f"r{n}", type="text:chunk:content") for n in range(900)))

    explain = "EXPLAIN QUERY PLAN " if store_url.startswith("sqlite") else "EXPLAIN "
    if not store_url.startswith("sqlite"):
        # A small table is quicker read whole; the question is whether the index can be used at all.
        statement = f"SET enable_seqscan = off; SET enable_bitmapscan = off; {explain}{statement}"
        plan = _last_result(store_url, statement)
    else:
        plan = str(query(store_url, explain + statement))

    # The index of a partition has a name of its own.
    assert "events_by_call" in plan or "request_id_project_idx" in plan


def _last_result(store_url: str, statements: str) -> str:
    import psycopg

    with psycopg.connect(store_url.replace("+psycopg", "")) as connection:
        cursor = connection.execute(statements.encode())
        while cursor.nextset():
            pass
        return str(cursor.fetchall())


def test_trace_health_finds_the_missing_parent(store: Store, store_url: str):
    """
    A parentRequestId of no call in the project is an orphan; one that is there is none.
    """
    for request_id, parent in (("r1", None), ("r2", "r1"), ("r3", "lost")):
        append(store, event(f"e-{request_id}", request_id=request_id, parent_request_id=parent), start=True, terminal=True)
    append(store, event("e-lost", request_id="lost"), project="other")
    parents = {"r1": None, "r2": "r1", "r3": "lost"}
    outcomes = [
        settlement(one, parent_request_id=parents[one.request_id], health=Health(missing_usage=True, skew_ms=60.5))
        for one in claim(store)
    ]
    store.settle_calls(outcomes, now_ms=NOW_MS)

    rows = query(store_url, "SELECT request_id, missing_usage, skew_ms, orphan_parent FROM trace_health ORDER BY request_id")

    assert [("r1", True, 60.5, False), ("r2", True, 60.5, False), ("r3", True, 60.5, True)] == [
        tuple(row.values()) for row in rows
    ]
