"""
Make `copy.copy` of a hooked client a client of its own.

Flow: `copy.copy(client)` -> **copies** -> clients.
Such a copy takes along whatever the instance holds, and with it our `request`, which belongs to the original: its calls would
go to the original's address, with the original's key. So while clients are hooked, their class says how it is copied.
"""

from collections.abc import Callable
from typing import Any, cast

from sdk_hooks.guard import guard
from sdk_hooks.patching import let_go

NAME = "__copy__"


def is_copied_plainly(kind: Any) -> bool:
    """Whether a copy has the attributes and nothing else. A class that says itself how it is copied may need more than that."""
    return not hasattr(kind, NAME) and kind.__reduce_ex__ is object.__reduce_ex__


def copy_of(thing: Any) -> Any:
    """An object of the same class with the same attributes."""
    kind: Any = type(thing)  # pyright: ignore[reportUnknownVariableType]
    copied = kind.__new__(kind)
    copied.__dict__.update(thing.__dict__)
    return copied


class Copying:
    """The classes that say how they are copied because of us. `made` hears of each copy: the original, and the copy."""

    def __init__(self, names: tuple[str, ...], made: Callable[[Any, Any], None]) -> None:
        self._names = names
        self._made = made
        self._kinds: dict[Any, Any] = {}

    def cover(self, kind: Any) -> None:
        """From now on its instances, and those of classes below it, are copied without what is ours."""
        if kind in self._kinds or not is_copied_plainly(kind):
            return
        self._kinds[kind] = kind.__copy__ = self._copying()

    def uncover_all(self) -> None:
        while self._kinds:
            kind, ours = self._kinds.popitem()
            if cast("dict[str, Any]", vars(kind)).get(NAME) is ours:
                delattr(kind, NAME)

    def _copying(self) -> Callable[[Any], Any]:
        def __copy__(client: Any) -> Any:
            copied = copy_of(client)
            with guard("copy"):
                if let_go(client, copied, self._names):
                    self._made(client, copied)
            return copied

        return __copy__
