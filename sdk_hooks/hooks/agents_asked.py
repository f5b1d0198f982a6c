"""
What the host wants recorded of openai-agents, and the recorded run that a context is in.

Flow: `instrument(agent)` -> **asked** -> runs, models, tools (which look here first).
Kept beside the host's objects and not on them: agents are dataclasses that get copied and compared.
"""

from contextvars import ContextVar
from typing import Any, NamedTuple
from weakref import ref

from sdk_hooks.config import Layer


class Asked:
    """Objects by identity, and the settings each was given; `everything` is `instrument()` without an object."""

    def __init__(self) -> None:
        self.everything: Layer | None = None
        self._layers: dict[int, tuple[ref[Any], Layer]] = {}

    def add(self, thing: Any, layer: Layer) -> None:
        key = id(thing)
        # The callback is for the number's next owner: an id is only good while its object lives.
        self._layers[key] = (ref(thing, lambda _: self._layers.pop(key, None)), layer)

    def remove(self, thing: Any) -> bool:
        return self._layers.pop(id(thing), None) is not None

    def layer_of(self, thing: Any) -> Layer | None:
        """What was asked for this very object."""
        found = self._layers.get(id(thing))
        return found[1] if found is not None and found[0]() is thing else None

    def is_empty(self) -> bool:
        return self.everything is None and not self._layers

    def clear(self) -> None:
        self.everything = None
        self._layers.clear()


class InRun(NamedTuple):
    """A recorded run: what is made inside it is recorded with its settings."""

    layer: Layer


ASKED = Asked()
RUN: ContextVar[InRun | None] = ContextVar("hookline_agents_run", default=None)


def layer_for(*things: Any) -> Layer | None:
    """The settings for what is done with these objects, the first of them that was asked for first. None: not recorded."""
    for thing in things:
        layer = None if thing is None else ASKED.layer_of(thing)
        if layer is not None:
            return layer
    run = RUN.get()
    return ASKED.everything if run is None else run.layer
