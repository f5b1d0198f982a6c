"""
The one order of a call's events.
"""

import random
from dataclasses import replace

from collector.assembly.order import order_events
from tests.collector.assembly.stored import chunk, event


def test_time_comes_first_with_its_fraction() -> None:
    """0.25 ms earlier is earlier, whatever else the events say."""
    late = chunk(1.5, "b", eventId="a-1", sequence=1)
    early = chunk(1.25, "a", eventId="a-2", sequence=2)

    assert [early, late] == order_events([late, early])


def test_senders_of_one_millisecond_are_not_mixed() -> None:
    """Sequences of two processes say nothing about each other: the eventId's prefix goes before them."""
    events = [chunk(1, f"{sender}{n}", eventId=f"{sender}-{n}", sequence=n) for sender in "ab" for n in (1, 2)]
    shuffled = [events[i] for i in (2, 1, 3, 0)]

    assert events == order_events(shuffled)


def test_sequence_goes_before_arrival() -> None:
    """A sender's count orders its events of one millisecond, as numbers: 10 after 9."""
    ninth = chunk(1, "x", eventId="p-9", sequence=9, arrival=2)
    tenth = chunk(1, "y", eventId="p-10", sequence=10, arrival=1)

    assert [ninth, tenth] == order_events([tenth, ninth])


def test_length_of_the_content_orders_chunks_without_a_sequence() -> None:
    """TanStack's server counts nothing: the longer the text so far, the later. The length alone is kept on the way in."""
    short, long_ = chunk(1, "a", content=9, arrival=2), chunk(1, "b", content=10, arrival=1)
    longest = chunk(1, "c", content="12345678901", arrival=0)

    assert [short, long_, longest] == order_events([longest, long_, short])


def test_random_ids_do_not_go_before_the_content() -> None:
    """An id that doesn't end in the sequence has no prefix that could order anything."""
    short = chunk(1, "a", content=1, eventId="ffff-beef")
    long_ = chunk(1, "b", content=2, eventId="0000-cafe")

    assert [short, long_] == order_events([long_, short])


def test_arrival_is_the_last_resort() -> None:
    """Nothing else tells two events apart: the one that came first is first."""
    first, second = event("x", 1, n=1, arrival=1), event("x", 1, n=2, arrival=2)

    assert [first, second] == order_events([second, first])


def test_copies_are_one_event() -> None:
    """Same time and id: the copy that arrived first stays."""
    original = chunk(1, "a", arrival=3)
    copies = [replace(original, arrival=arrival) for arrival in (5, 3, 9)]
    random.Random(1).shuffle(copies)

    assert [original] == order_events(copies)
