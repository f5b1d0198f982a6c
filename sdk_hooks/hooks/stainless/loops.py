"""
Read a stream on the host's behalf, item by item, and tell its notes: of every item, and how it ended.

Flow: what a stream's class has in place of its own loops (`classes`, `streams`) -> **loops** -> notes.
Whatever the notes raise stays here.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from sdk_hooks.guard import guard
from sdk_hooks.hooks.stainless.notes import Notes

NOTES = "_hookline_notes"
"""Where a watched object has what hears of it."""

IsEnding = Callable[[], bool]
"""`sys.is_finalizing`, bound early: at the interpreter's end our modules' names are gone, and the last flush was before."""


def observe(items: Iterator[Any], notes: Notes, stream: Any = None, is_ending: IsEnding = sys.is_finalizing) -> Iterator[Any]:
    """
    The items, one by one: a loop that is left leaves `items` open, for the next loop.

    `stream`, if it is this that the host reads, is held as long: one that is dropped is left.
    """
    if stream is not None:
        resumed(notes)
    note = notes.item
    try:
        for item in items:
            # Written out, not `note_item`: this runs for every chunk, and a try costs nothing.
            try:
                note(item)
            except Exception:
                report("chunk")
            yield item
    except GeneratorExit:
        if not is_ending():
            left(notes)
        raise
    except BaseException as error:
        raised(notes, error)
        raise
    ended(notes)


async def observe_async(
    items: AsyncIterator[Any], notes: Notes, stream: Any = None, is_ending: IsEnding = sys.is_finalizing
) -> AsyncIterator[Any]:
    """The same for `async for`."""
    if stream is not None:
        resumed(notes)
    note = notes.item
    try:
        async for item in items:
            try:
                note(item)
            except Exception:
                report("chunk")
            yield item
    except GeneratorExit:
        if not is_ending():
            left(notes)
        raise
    except BaseException as error:
        raised(notes, error)
        raise
    ended(notes)


def note_item(notes: Notes, item: Any) -> None:
    try:
        notes.item(item)
    except Exception:
        report("chunk")


def raised(notes: Notes, error: BaseException) -> None:
    with guard("stream"):
        notes.raised(error)


def ended(notes: Notes) -> None:
    try:
        notes.ended()
    except Exception:
        report("stream")


def report(place: str) -> None:
    """What `with guard(place)` does with the exception in hand."""
    with guard(place):
        raise


def resumed(notes: Notes) -> None:
    """A loop over the stream begins."""
    try:
        notes.resumed()
    except Exception:
        report("resumed")


def left(notes: Notes | None) -> None:
    """The host stopped reading; nothing happens if the stream had ended."""
    if notes is not None:
        try:
            notes.left()
        except Exception:
            report("left")
