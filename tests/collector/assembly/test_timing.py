"""
When a call began and ended.
"""

from hypothesis import given
from hypothesis import strategies as st

from collector.assembly.timing import to_ns
from tests.collector.assembly.stored import T0, assembled, chunk, completed, event, started


def test_the_end_and_its_duration_give_the_start() -> None:
    """The started event is another reading of the clock; the duration was measured."""
    outcome = assembled(started(30), completed(1000, duration=990.5))
    call, span = outcome.call, outcome.spans[0]

    assert (T0 + 9.5, T0 + 1000, 990.5) == (call.start_ms, call.end_ms, call.duration_ms)
    assert ((T0 + 9) * 1_000_000 + 500_000, (T0 + 1000) * 1_000_000) == (span.start_ns, span.end_ns)


def test_without_a_duration_the_started_event_gives_the_start() -> None:
    """A stream error has none."""
    outcome = assembled(started(30), event("text:chunk:error", 500, error="x"))

    assert (T0 + 30, 470) == (outcome.call.start_ms, outcome.call.duration_ms)


def test_no_duration_and_no_start_is_no_duration() -> None:
    """Start = end, and the length is unknown, not zero."""
    outcome = assembled(completed(500))

    assert (T0 + 500, T0 + 500, None) == (outcome.call.start_ms, outcome.call.end_ms, outcome.call.duration_ms)


def test_a_duration_that_is_none_is_ignored() -> None:
    """Negative, not finite, a text, true: as if absent."""
    for odd in (-5, float("inf"), "200", True, None):
        assert 500 == assembled(started(), completed(500, duration=odd)).call.duration_ms


def test_a_duration_beyond_all_measure_is_ignored() -> None:
    """Such a start would lie before what a database or a backend can hold, and the call would never be stored."""
    outcome = assembled(started(), completed(500, duration=1e300))
    told_late = assembled(started(), chunk(100, "a"), completed(500, duration=500, timeToFirstChunk=1e308))

    assert (500, 500_000_000) == (outcome.call.duration_ms, outcome.spans[0].end_ns - outcome.spans[0].start_ns)
    assert 100 == told_late.call.time_to_first_chunk_ms


def test_offsets_beyond_all_measure_are_none() -> None:
    """One odd pack must not keep its call from being assembled."""
    pack = event("text:chunk:content", 400, chunks=[{"offsetMs": 1e308, "delta": "a"}, {"offsetMs": -1e308, "delta": "b"}])
    call = assembled(started(), pack, completed(1000, duration=1000)).call

    assert ("ok", 400, 2) == (call.status, call.time_to_first_chunk_ms, call.chunk_count)


def test_nanoseconds_stay_within_64_bits() -> None:
    """A clock may stand in the year 3000: the event is kept, its span ends where the numbers end."""
    year_3000_ms = 32_503_680_000_000
    assert 2**63 - 1 == to_ns(year_3000_ms)

    span = assembled(completed(year_3000_ms, duration=5)).spans[0]
    assert 0 <= span.start_ns <= span.end_ns <= 2**63 - 1


def test_requested_media_length_is_not_how_long_the_call_took() -> None:
    """`duration` of a started video is seconds of film."""
    outcome = assembled(started(0, "video", requestType="create", duration=8), completed(900, "video"))

    assert (900, "video_generation") == (outcome.call.duration_ms, outcome.call.operation)


def test_skew_over_50_ms_is_told() -> None:
    """Started event and end − duration disagree: one of the clocks was changed."""
    assert assembled(started(50), completed(1000, duration=1000)).health.skew_ms is None
    assert 51 == assembled(started(51), completed(1000, duration=1000)).health.skew_ms
    assert 300 == assembled(started(-300), completed(1000, duration=1000)).health.skew_ms


def test_a_start_after_the_end_takes_no_time() -> None:
    """A clock that was set back must not make a span that ends before it begins."""
    outcome = assembled(started(900), event("text:chunk:error", 500, error="x"))
    span = outcome.spans[0]

    assert (0, span.end_ns) == (outcome.call.duration_ms, span.start_ns)


def test_a_running_call_has_a_start_and_no_end() -> None:
    """Start of the started event, else of the first event."""
    call = assembled(started(30), chunk(90, "a")).call
    assert (T0 + 30, None, None) == (call.start_ms, call.end_ms, call.duration_ms)
    assert T0 + 90 == assembled(chunk(90, "a")).call.start_ms


def test_time_to_first_chunk() -> None:
    """As the sender measured it, pieces or none; else from the start to the first piece, a pack's first offset included."""
    measured = assembled(started(), chunk(400, "a"), completed(1000, duration=1000, timeToFirstChunk=123.5))
    seen = assembled(started(), chunk(400, "a"), completed(1000, duration=1000))
    packed = event("text:chunk:content", 400, chunks=[{"offsetMs": 25, "delta": "a"}, {"offsetMs": 90, "delta": "b"}])
    in_pack = assembled(started(), packed, completed(1000, duration=1000))
    none = assembled(started(), completed(1000, duration=1000))
    unseen = assembled(started(), completed(1000, duration=1000, timeToFirstChunk=123.5))

    assert [123.5, 400, 425, None] == [o.call.time_to_first_chunk_ms for o in (measured, seen, in_pack, none)]
    assert 123.5 == unseen.call.time_to_first_chunk_ms
    for outcome in (measured, unseen):
        assert 0.1235 == outcome.spans[0].attributes["gen_ai.response.time_to_first_chunk"]
    assert "gen_ai.response.time_to_first_chunk" not in none.spans[0].attributes


@given(st.integers(0, 4_000_000_000_000), st.integers(0, 999))
def test_whole_milliseconds_stay_exact(ms: int, micros: int) -> None:
    """As a float of nanoseconds the last digits would be wrong."""
    assert ms * 1_000_000 == to_ns(float(ms))
    assert abs(to_ns(ms + micros / 1000) - (ms * 1_000_000 + micros * 1000)) <= 1000
