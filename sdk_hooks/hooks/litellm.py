"""
Hook litellm: its functions that call a model, sync and async.

Flow: host -> litellm.completion(…) -> **the function's code** -> recorder.
litellm has no client: hosts call its functions, and most have imported them by name before anybody could put others in their
place. So the functions stay the objects that they are, and their code is exchanged (`patching.cover`). They are outside of
litellm's own retries and fallbacks, so that a logical call is one call. Its callbacks would miss streams that are left early,
and are told late and in other threads. Facts checked with litellm 1.106.
"""

import sys
from collections.abc import Callable
from inspect import isfunction
from typing import Any

from sdk_hooks.config import Layer
from sdk_hooks.hooks.litellm_calls import State, beginning
from sdk_hooks.hooks.litellm_endpoints import FUNCTIONS
from sdk_hooks.hooks.stainless.endpoints import Endpoint
from sdk_hooks.patching import Begin, around_async, around_sync, cover, uncover

PLACES = ("litellm", "litellm.main")
"""Where a host gets them; in newer versions the first has functions of its own, which call the second's."""

_state = State()
_covered: list[Any] = []
"""What we have covered: where another tool has put its own there since, its place no longer leads to it."""


def instrument(client: Any, layer: Layer) -> bool:
    """The module `litellm`. Routers are none of ours: they call its functions."""
    if client is not sys.modules.get("litellm"):
        return False
    instrument_all(layer)
    return True


def uninstrument(client: Any) -> bool:
    if client is not sys.modules.get("litellm") or client is None:
        return False
    uninstrument_all()
    return True


def instrument_all(layer: Layer) -> None:
    import litellm  # noqa: F401  # pyright: ignore[reportMissingImports, reportUnusedImport]

    _state.layer = layer
    for place in PLACES:
        for name, endpoint in FUNCTIONS.items():
            _hold(place, name, endpoint, around_sync)
            _hold(place, f"a{name}", endpoint, around_async)


def uninstrument_all() -> None:
    while _covered:
        uncover(_covered.pop())


def _hold(place: str, name: str, endpoint: Endpoint, around: Callable[[Any, Begin, str], Any]) -> None:
    def make(original: Any) -> Any:
        return around(original, beginning(_state, endpoint, original), "litellm")

    function = _function(place, name)
    if function is not None and cover(function, make):
        _covered.append(function)


def _function(place: str, name: str) -> Any:
    """What a version has under this name, if it is a function: newer ones have more, and packages of the same name."""
    found = getattr(sys.modules.get(place), name, None)
    return found if isfunction(found) else None
