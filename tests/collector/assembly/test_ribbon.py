"""
When the chunks of a call came, as its row tells it.
"""

from tests.collector.assembly.stored import assembled, chunk, completed, event, started


def digits(*events: object, **known: object) -> tuple[str, str]:
    ribbon = assembled(*events, **known).call.ribbon  # pyright: ignore[reportArgumentType]
    assert ribbon is not None
    length, _, found = ribbon.partition(":")
    return length, found


def test_a_digit_stands_for_its_part_of_the_time() -> None:
    """
    64 equal parts of the call; a chunk at half the time is in part 32, one at the end in the last.
    """
    length, found = digits(started(), chunk(320, "a"), chunk(640, "b"), completed(640, duration=640))
    assert "640" == length
    assert "0" * 32 + "1" + "0" * 30 + "1" == found


def test_more_chunks_are_a_higher_digit() -> None:
    """
    Doubling their number adds one, up to nine; packed chunks count one by one.
    """
    pack = [{"offsetMs": 0, "delta": "x"}] * 5
    many = event("text:chunk:content", 10, messageId="m1", chunks=pack)
    assert "3" == digits(started(), many, completed(640, duration=640))[1][1]
    flood = event("text:chunk:content", 10, messageId="m1", chunks=[{"offsetMs": 0, "delta": "x"}] * 5000)
    assert "9" == digits(started(), flood, completed(640, duration=640))[1][1]


def test_chunks_outside_of_the_call_are_at_its_ends() -> None:
    """
    Clocks differ: a chunk before the start or behind the end is not lost.
    """
    found = digits(started(), chunk(-50, "a"), chunk(900, "b"), completed(640, duration=640))[1]
    assert ("1", "1") == (found[0], found[-1])


def test_a_running_call_reaches_to_its_newest_chunk() -> None:
    """
    Its end isn't known; the ribbon grows with the stream. Without chunks there is none.
    """
    length, found = digits(started(), chunk(100, "a"), chunk(200, "b"))
    assert ("200", "1", "1") == (length, found[32], found[-1])
    assert assembled(started(), completed(10)).call.ribbon is None
