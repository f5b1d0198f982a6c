"""
Hook the google-genai SDK: Client and its `aio`, for the Gemini API and for Vertex AI.

Flow: host -> client.models.generate_content(…) -> **the API client's `request`** -> recorder.
Models, chats and their async twins of one Client share an API client with four methods: sync and async, whole and streamed.
They run once a model call (retries are inside, automatic function calling and continuation outside) on plain JSON, so the
host's own methods, generators and types stay the SDK's. Interactions and live sessions go another way.
Facts checked with google-genai 3.4.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from weakref import WeakSet

from sdk_hooks.config import Layer
from sdk_hooks.hooks.google_genai_calls import State, beginning
from sdk_hooks.patching import around_async, around_sync, replace, restore
from sdk_hooks.tested import lacks

STATE = "_hookline"
METHODS: Mapping[str, Any] = {
    "request": around_sync,
    "request_streamed": around_sync,
    "async_request": around_async,
    "async_request_streamed": around_async,
}


# -- the four functions of a hook -----------------------------------------------------------------------------------------


def instrument(client: Any, layer: Layer) -> bool:
    """Hook a Client, or anything that shares its API client: `aio`, `models`. The whole Client is hooked."""
    api = _api_client_of(client)
    there = [name for name in METHODS if callable(getattr(api, name, None))]
    if not there:
        return False
    state: Any = getattr(api, STATE, None)
    if isinstance(state, State) and api in _hooked:
        state.layer = layer
        return True
    state = State(layer, "gcp.vertex_ai" if getattr(api, "vertexai", False) else "gcp.gemini")
    setattr(api, STATE, state)
    _hooked.add(api)
    for name, around in METHODS.items():
        if name not in there:
            lacks("google-genai", f"{type(api).__name__}.{name}")
            continue
        begin = beginning(state, is_stream=name.endswith("_streamed"))
        replace(api, name, lambda original, around=around, begin=begin, name=name: around(original, begin, f"google.{name}"))
    return True


def uninstrument(client: Any) -> bool:
    api = _api_client_of(client)
    if api not in _hooked:
        return False
    _hooked.discard(api)
    state: Any = getattr(api, STATE, None)
    if isinstance(state, State):
        # Where another tool has wrapped ours since, ours must stay; it falls silent.
        state.is_active = False
    for name in METHODS:
        restore(api, name)
    if hasattr(api, STATE):
        delattr(api, STATE)
    return True


def instrument_all(layer: Layer) -> None:
    global _everything
    _everything = layer

    def making(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Making | None:
        return None if _everything is None else _Making(args[0], _everything)

    replace(_api_client_class(), "__init__", lambda original: around_sync(original, making, "google.init"))


def uninstrument_all() -> None:
    global _everything
    _everything = None
    restore(_api_client_class(), "__init__")
    for api in list(_hooked):
        uninstrument(api)


class _Making(NamedTuple):
    """A constructor that runs: what it makes gets hooked."""

    api: Any
    layer: Layer

    def returned(self, result: Any) -> Any:
        if self.api not in _hooked:
            instrument(self.api, self.layer)
        return result

    def raised(self, error: BaseException) -> None: ...


def _api_client_class() -> Any:
    from google.genai._api_client import BaseApiClient

    return BaseApiClient


def _api_client_of(client: Any) -> Any:
    return getattr(client, "_api_client", client)


_hooked: WeakSet[Any] = WeakSet()
_everything: Layer | None = None
"""What clients that are made from now on get."""
