"""
Whatever comes in: refused as a request, or every event stored or told. Nothing else is ever raised.

`HOOKLINE_FUZZ=10000` makes it so many bodies; the default run is modest.
"""

import json
import os
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.errors import RequestError
from collector.events import EventRow
from tests.fakes.mutations import JSON_VALUES, good_events, mutated_bodies
from tests.fakes.posts import TANSTACK_FILES, read, tanstack_lines

MODEST = 40
EXAMPLES = int(os.environ.get("HOOKLINE_FUZZ", MODEST))
ANY = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def check_row(row: EventRow) -> None:
    """What every driver and reader needs of a row."""
    assert row.type
    assert 0 < len(row.event_id.encode()) <= 128
    assert 0 <= row.timestamp < 2**63
    assert row.fraction is None or 0 < row.fraction < 1
    assert isinstance(json.loads(row.payload), dict)
    assert all("\0" not in value and value.encode() is not None for value in row if isinstance(value, str))
    assert row.clock in ("sender", "unit_fixed", "receiver", "suspect")
    assert all(json.loads(text) for text in (row.schema_issues, row.reduced) if text is not None)


@ANY
@given(body=mutated_bodies(), media=st.sampled_from(["json", "ndjson"]))
def test_mutated_body_is_refused_or_read(body, media):
    """
    Bits flipped, types swapped, texts cut, nested, surrogates: only errors that mean the sender, and only good rows.
    """
    try:
        result = read(body, media=media)
    except RequestError:
        return
    for row in result.batch.events:
        check_row(row)


@ANY
@given(values=st.lists(JSON_VALUES | good_events(), max_size=8), seed=st.integers())
def test_good_events_survive_whatever_lies_beside_them(values, seed):
    """
    Each index is a row or a rejection, and a good event is always a row.
    """
    good = {"type": "custom:good", "eventId": "the-good-one", "timestamp": 1_764_000_000_000}
    values.insert(random.Random(seed).randint(0, len(values)), good)
    result = read(json.dumps(values))
    assert len(values) == len(result.batch.events) + len(result.rejected)
    assert "the-good-one" in [row.event_id for row in result.batch.events]
    for row in result.batch.events:
        check_row(row)


@ANY
@given(
    seed=st.integers(), name=st.sampled_from(TANSTACK_FILES), cuts=st.integers(1, 5), media=st.sampled_from(["json", "ndjson"])
)
def test_batching_and_order_change_no_row(seed, name, cuts, media):
    """
    Shuffled and split into posts of any size, an event is the same row.
    """
    lines = tanstack_lines(name)
    whole = {row.event_id: row for row in read(b"\n".join(lines), media="ndjson").batch.events}
    random.Random(seed).shuffle(lines)
    step = len(lines) // cuts + 1
    for start in range(0, len(lines), step):
        part = lines[start : start + step]
        body = b"[" + b",".join(part) + b"]" if media == "json" else b"\n".join(part)
        assert all(whole[row.event_id] == row for row in read(body, media=media).batch.events)
