"""
Streamed pieces become text.
"""

from tests.collector.assembly.stored import assembled, chunk, completed, event, started


def answer(*events: object, **known: object) -> str | None:
    return assembled(started(), *events, **known).call.answer_preview  # type: ignore[arg-type]


def test_pieces_are_joined_in_order() -> None:
    """Whatever order they came in."""
    assert "one two" == answer(chunk(20, " two"), chunk(10, "one"), completed(100))


def test_streamed_pieces_beat_the_content_of_the_end() -> None:
    """A structured answer can have an empty content while the pieces hold it."""
    assert '{"a":1}' == answer(chunk(10, '{"a"'), chunk(20, ":1}"), completed(100, content="something else"))


def test_without_pieces_the_content_of_the_end_is_the_text() -> None:
    """A call that was not streamed."""
    assert "whole" == answer(completed(100, content="whole"))


def test_messages_and_choices_are_not_mixed() -> None:
    """One text per (messageId, choice): the answer is the last message's first choice."""
    events = [
        chunk(10, "first "),
        chunk(11, "A", messageId="m2"),
        chunk(12, "x", messageId="m2", choice=1),
        chunk(13, "message"),
        chunk(14, "B", messageId="m2"),
        chunk(15, "y", messageId="m2", choice=1),
    ]

    assert "AB" == answer(*events, completed(100))


def test_a_pack_is_its_pieces() -> None:
    """One event a flush instead of one a token: same text, same count."""
    packed = chunk(10, "", chunks=[{"offsetMs": 0, "delta": "on"}, {"offsetMs": 5, "delta": "e"}])
    del packed.payload["delta"]  # type: ignore[attr-defined]
    outcome = assembled(started(), packed, chunk(30, " two"), completed(100))

    assert ("one two", 3) == (outcome.call.answer_preview, outcome.call.chunk_count)


def test_content_without_a_delta_is_everything_so_far() -> None:
    """`delta` is optional in the catalogue; then `content` has grown."""
    events = [event("text:chunk:content", at_ms, messageId="m1", content=text) for at_ms, text in ((1, "a"), (2, "ab"))]

    assert "ab" == answer(*events, completed(100))


def test_thinking_is_counted_but_no_answer() -> None:
    """Reasoning streams like text, and is not what the user reads."""
    thought = event("text:chunk:thinking", 5, messageId="m1", delta="hm")
    outcome = assembled(started(), thought, chunk(10, "yes"), completed(100))

    assert ("yes", 2) == (outcome.call.answer_preview, outcome.call.chunk_count)


def test_a_missing_piece_is_a_gap() -> None:
    """The content's length says how much there was: less text than that means that a piece was lost."""
    whole = assembled(started(), chunk(1, "ab", content=2), chunk(2, "cd", content=4))
    holed = assembled(started(), chunk(2, "cd", content=4))

    assert (False, True) == (whole.health.sequence_gap, holed.health.sequence_gap)
