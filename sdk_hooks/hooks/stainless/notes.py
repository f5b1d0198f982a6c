"""
What follows a stream item by item and says at its end what it was.

Flow: stream item (caller's thread) -> **notes** -> `call.append`, `call.complete | fail | abort`.
"""

from typing import Any, Protocol


class Notes(Protocol):
    """
    What is written down about one stream.

    Notes may have a `loop(items, stream)` and a `loop_async` of their own, which do what `observe` and `observe_async` of `loops`
    do: for streams whose chunks are many.
    """

    def item(self, item: Any, /) -> None:
        """Once for each item, in the reader's thread."""
        ...

    def ended(self) -> None:
        """The stream was read to its end."""
        ...

    def raised(self, error: BaseException) -> None:
        """Reading it raised."""
        ...

    def left(self) -> None:
        """The host stopped reading. Also called after an end: then it does nothing."""
        ...

    def resumed(self) -> None:
        """The host begins to read, perhaps again after it had left."""
        ...


def is_interruption(error: BaseException) -> bool:
    """Whether the host stopped (a cancelled task, Ctrl-C) and nothing failed."""
    return not isinstance(error, Exception)
