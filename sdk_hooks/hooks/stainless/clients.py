"""
Hook clients at their `request`, and the copies that `with_options`, `copy` and `copy.copy` make of them.

Flow: registry -> hooks/<sdk> -> **clients** -> patching.
Only instances are covered, unless every client from now on is wanted: then the constructors as well.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import WeakSet

from sdk_hooks.config import Layer
from sdk_hooks.hooks.stainless.copies import Copying
from sdk_hooks.hooks.stainless.endpoints import Sdk
from sdk_hooks.hooks.stainless.requests import State, beginning
from sdk_hooks.patching import around_async, around_sync, replace, restore
from sdk_hooks.tested import lacks

STATE = "_hookline"
COPIES = ("copy", "with_options")


class Clients:
    """The hooked clients of one SDK."""

    def __init__(self, sdk: Sdk) -> None:
        self._sdk = sdk
        self._hooked: WeakSet[Any] = WeakSet()
        self._makers: dict[Any, Layer] = {}
        self._copies = Copying(("request", *COPIES), self._hook_copy)

    def instrument(self, client: Any, layer: Layer) -> bool:
        """Hook a client; one that is hooked already takes the newer layer. False: it is no client."""
        if not _is_client(client):
            if hasattr(client, "with_options"):
                lacks(self._sdk.name, f"{type(client).__name__}.request")
            return False
        state = _state_of(client)
        if state is not None and client in self._hooked:
            state.layer = layer
            return True
        state = State(self._sdk, layer, self._sdk.provider_of(client))
        setattr(client, STATE, state)
        self._hooked.add(client)
        self._copies.cover(_where_request_is(type(client)) or type(client))
        around = around_async if _is_async(client) else around_sync
        begin, name = beginning(state), self._sdk.name
        replace(client, "request", lambda original: around(original, begin, f"{name}.request"))
        for copy in COPIES:
            if not hasattr(client, copy):
                lacks(name, f"{type(client).__name__}.{copy}")
                continue
            replace(client, copy, lambda original: around_sync(original, self._copying(client), f"{name}.copy"))
        return True

    def uninstrument(self, client: Any) -> bool:
        if client not in self._hooked:
            return False
        self._hooked.discard(client)
        state = _state_of(client)
        if state is not None:
            # Where another tool has wrapped ours since, ours must stay; it falls silent.
            state.is_active = False
        for name in ("request", *COPIES):
            restore(client, name)
        if STATE in vars(client):
            delattr(client, STATE)
        if not self._hooked:
            self._copies.uncover_all()
        return True

    def instrument_made_by(self, constructed: Sequence[Any], layer: Layer) -> None:
        """Hook whatever these classes make from now on."""
        for kind in constructed:
            self._makers[kind] = layer
            begin = self._making(kind)
            replace(kind, "__init__", lambda original, begin=begin: around_sync(original, begin, f"{self._sdk.name}.init"))

    def uninstrument_made_by(self, constructed: Sequence[Any]) -> None:
        for kind in constructed:
            self._makers.pop(kind, None)
            restore(kind, "__init__")

    def uninstrument_all(self) -> None:
        self.uninstrument_made_by(list(self._makers))
        for client in list(self._hooked):
            self.uninstrument(client)
        self._copies.uncover_all()

    def _making(self, kind: Any) -> Any:
        def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Making | None:
            layer = self._makers.get(kind)
            return None if layer is None else _Making(args[0], layer, self._hook_new)

        return begin

    def _hook_new(self, client: Any, layer: Layer) -> bool:
        return client in self._hooked or self.instrument(client, layer)

    def _hook_copy(self, client: Any, copied: Any) -> None:
        state = _state_of(client)
        if state is not None:
            delattr(copied, STATE)
            self.instrument(copied, state.layer)

    def _copying(self, client: Any) -> Any:
        def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Copying:
            return _Copying(client, self.instrument)

        return begin


class _Making(NamedTuple):
    """A constructor that runs: what it makes gets hooked."""

    client: Any
    layer: Layer
    hook: Callable[[Any, Layer], bool]

    def returned(self, result: Any) -> Any:
        self.hook(self.client, self.layer)
        return result

    def raised(self, error: BaseException) -> None: ...


class _Copying(NamedTuple):
    """`copy` or `with_options`: the copy is recorded like the client that it comes from."""

    client: Any
    hook: Callable[[Any, Layer], bool]

    def returned(self, result: Any) -> Any:
        state = _state_of(self.client)
        if state is not None:
            self.hook(result, state.layer)
        return result

    def raised(self, error: BaseException) -> None: ...


def _state_of(client: Any) -> State | None:
    state: Any = getattr(client, STATE, None)
    return state if isinstance(state, State) else None


def _is_client(client: Any) -> bool:
    return callable(getattr(client, "request", None)) and hasattr(client, "_client")


def _is_async(client: Any) -> bool:
    return any(kind.__name__ == "AsyncAPIClient" for kind in type(client).__mro__)


def where_request_is(*tops: Any) -> list[Any]:
    """The classes whose constructor every client of an SDK runs: where `request` is defined."""
    found = [_where_request_is(top) for top in tops]
    if None in found:
        raise AttributeError(name=f"{tops[found.index(None)].__name__}.request")
    return found


def _where_request_is(top: Any) -> Any:
    return next((kind for kind in top.__mro__ if "request" in vars(kind)), None)
