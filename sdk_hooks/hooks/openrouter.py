"""
Hook the openrouter SDK: the methods of its resources that call a model.

Flow: host -> client.chat.send(…) -> **the resource's method** -> recorder.
The SDK makes a resource, and imports it (up to a second), when the host first asks the client for it. The hook asks for none:
the client's class becomes a subclass of its own class (made once a class, same name) that sees each resource as it is made.
The SDK's own hooks see bytes, fire per attempt and report success before a stream is read. Facts checked with openrouter 1.3.84.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast
from weakref import WeakSet

from sdk_hooks.config import Layer
from sdk_hooks.guard import guard
from sdk_hooks.hooks.openrouter_calls import State, beginning
from sdk_hooks.hooks.openrouter_endpoints import RESOURCES
from sdk_hooks.patching import Begin, around_async, around_sync, replace, restore

STATE = "_hookline"
NESTED: Mapping[str, str] = {"beta": "responses"}
"""Resources that only hold another one."""

_hooked: WeakSet[Any] = WeakSet()
_classes: dict[type, type] = {}
_everything: Layer | None = None
"""What clients that are made from now on get."""


def instrument(client: Any, layer: Layer) -> bool:
    if not _is_client(client):
        return False
    state = _state_of(client)
    if state is not None:
        state.layer = layer
        return True
    setattr(client, STATE, State(layer))
    _hooked.add(client)
    for name in (*RESOURCES, *NESTED):
        if name in vars(client):
            _hook_resource(client, name, vars(client)[name])
    kind = cast("type[Any]", type(client))
    if kind not in _classes.values():
        client.__class__ = _watched_class(kind)
    return True


def uninstrument(client: Any) -> bool:
    state = _state_of(client) if _is_client(client) else None
    if state is None:
        return False
    _hooked.discard(client)
    # A resource that somebody got hold of in a race is not in the client: its method looks here.
    state.is_active = False
    for name in (*RESOURCES, *NESTED):
        if name in vars(client):
            _restore_resource(name, vars(client)[name])
    if type(client) in _classes.values():
        client.__class__ = type(client).__base__
    delattr(client, STATE)
    return True


def instrument_all(layer: Layer) -> None:
    import openrouter

    global _everything
    _everything = layer

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Making | None:
        return None if _everything is None else _Making(args[0], _everything)

    replace(openrouter.OpenRouter, "__init__", lambda original: around_sync(original, begin, "openrouter.init"))


def uninstrument_all() -> None:
    import openrouter

    global _everything
    _everything = None
    restore(openrouter.OpenRouter, "__init__")
    for client in list(_hooked):
        uninstrument(client)


class _Making(NamedTuple):
    """A constructor that runs: what it makes gets hooked."""

    client: Any
    layer: Layer

    def returned(self, result: Any) -> Any:
        if _state_of(self.client) is None:
            instrument(self.client, self.layer)
        return result

    def raised(self, error: BaseException) -> None: ...


def _is_client(client: Any) -> bool:
    return any(kind.__name__ == "OpenRouter" and kind.__module__ == "openrouter.sdk" for kind in type(client).__mro__)


def _state_of(client: Any) -> State | None:
    state = cast("dict[str, Any]", vars(client)).get(STATE)
    # Not of a copied client: its resources are those of the one it was copied from.
    return state if isinstance(state, State) and client in _hooked else None


def _watched_class(kind: type) -> type:
    watched = _classes.get(kind)
    if watched is None:
        make = cast("Any", kind).__getattr__

        def __getattr__(self: Any, name: str) -> Any:
            made = make(self, name)
            if name in RESOURCES or name in NESTED:
                with guard("openrouter.resource"):
                    _hook_resource(self, name, made)
            return made

        body = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
        _classes[kind] = watched = type(kind.__name__, (kind,), {**body, "__getattr__": __getattr__})
    return watched


def _hook_resource(client: Any, name: str, resource: Any) -> None:
    # A copied client has what its original was given, and makes the resources that were not made by then itself.
    state = cast("dict[str, Any]", vars(client)).get(STATE)
    if not isinstance(state, State) or not state.is_active:
        return
    nested = NESTED.get(name)
    target = resource if nested is None else getattr(resource, nested)
    for method, endpoint in RESOURCES[nested or name].items():
        # A version that has no such method has nothing there to record.
        if hasattr(target, method):
            _hook_method(target, method, beginning(state, endpoint))


def _hook_method(resource: Any, method: str, begin: Begin) -> None:
    replace(resource, method, lambda original: around_sync(original, begin, "openrouter.send"))
    replace(resource, f"{method}_async", lambda original: around_async(original, begin, "openrouter.send"))


def _restore_resource(name: str, resource: Any) -> None:
    nested = NESTED.get(name)
    target = resource if nested is None else getattr(resource, nested)
    for method in RESOURCES[nested or name]:
        restore(target, method)
        restore(target, f"{method}_async")
