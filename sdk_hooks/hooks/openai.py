"""
Hook the openai SDK: OpenAI, AsyncOpenAI, their Azure and other subclasses, and the module-level client.

Flow: host -> client.chat.completions.create(…) -> **client.request** -> recorder.
Every resource, helper and raw variant goes through the client's `request`, once a logical call (retries are inside it), so that
one method of the instance is all that is covered. Facts checked with openai 3.54.
"""

import sys
from typing import Any, NamedTuple, cast
from weakref import WeakSet

from sdk_hooks.config import Layer
from sdk_hooks.guard import guard
from sdk_hooks.hooks.openai_calls import State, beginning
from sdk_hooks.patching import around_async, around_sync, replace, restore

STATE = "_hookline"
MODULE_CLIENTS = ("_ModuleClient", "_AzureModuleClient", "_BedrockModuleClient")

_hooked: "WeakSet[Any]" = WeakSet()


# -- the four functions of a hook -----------------------------------------------------------------------------------------


def instrument(client: Any, layer: Layer) -> bool:
    """Hook a client, or with the module `openai` its module-level client."""
    if client is sys.modules.get("openai"):
        _hook_module(layer)
        return True
    if not _is_client(client):
        return False
    state = _state_of(client)
    if state is not None and client in _hooked:
        state.layer = layer
        return True
    state = State(layer, _provider_of(client))
    setattr(client, STATE, state)
    _hooked.add(client)
    around = around_async if _is_async(client) else around_sync
    replace(client, "request", lambda original: around(original, beginning(state), "openai.request"))
    for name in ("copy", "with_options"):
        replace(client, name, lambda original: around_sync(original, _copying(client), "openai.copy"))
    return True


def uninstrument(client: Any) -> bool:
    if client is sys.modules.get("openai"):
        _unhook_module()
        return True
    if client not in _hooked:
        return False
    _hooked.discard(client)
    for name in ("request", "copy", "with_options"):
        restore(client, name)
    if STATE in vars(client):
        delattr(client, STATE)
    return True


def instrument_all(layer: Layer) -> None:
    """Every client that is made from now on, and the module-level client."""
    import openai

    for kind in _constructed(openai):
        replace(kind, "__init__", lambda original: around_sync(original, _making(layer), "openai.init"))
    _hook_module(layer)


def uninstrument_all() -> None:
    import openai

    for kind in _constructed(openai):
        restore(kind, "__init__")
    _unhook_module()
    for client in list(_hooked):
        uninstrument(client)


def _state_of(client: Any) -> State | None:
    state: Any = getattr(client, STATE, None)
    return state if isinstance(state, State) else None


# -- where to hold --------------------------------------------------------------------------------------------------------


def _is_client(client: Any) -> bool:
    return callable(getattr(client, "request", None)) and hasattr(client, "with_options") and hasattr(client, "_client")


def _is_async(client: Any) -> bool:
    return any(kind.__name__ == "AsyncAPIClient" for kind in type(client).__mro__)


def _constructed(openai: Any) -> list[Any]:
    """The two classes whose constructor every client runs: where `request` is defined."""
    return [next(kind for kind in top.__mro__ if "request" in vars(kind)) for top in (openai.OpenAI, openai.AsyncOpenAI)]


def _hook_module(layer: Layer) -> None:
    import openai

    module = cast("Any", openai)
    if module._client is not None:
        instrument(module._client, layer)
    for name in MODULE_CLIENTS:
        replace(getattr(module, name), "__init__", lambda original: around_sync(original, _making(layer), "openai.init"))


def _unhook_module() -> None:
    import openai

    module = cast("Any", openai)
    for name in MODULE_CLIENTS:
        restore(getattr(module, name), "__init__")
    if module._client is not None:
        uninstrument(module._client)


class _Making(NamedTuple):
    """A constructor that runs: what it makes gets hooked."""

    client: Any
    layer: Layer

    def returned(self, result: Any) -> Any:
        if self.client not in _hooked:
            instrument(self.client, self.layer)
        return result

    def raised(self, error: BaseException) -> None: ...


def _making(layer: Layer) -> Any:
    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Making:
        return _Making(args[0], layer)

    return begin


class _Copying(NamedTuple):
    """`copy` or `with_options`: the copy is recorded like the client that it comes from."""

    client: Any

    def returned(self, result: Any) -> Any:
        state = _state_of(self.client)
        if state is not None:
            instrument(result, state.layer)
        return result

    def raised(self, error: BaseException) -> None: ...


def _copying(client: Any) -> Any:
    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Copying:
        return _Copying(client)

    return begin


PROVIDERS = {
    "openrouter.ai": "openrouter",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
}
"""Who answers behind an address that speaks openai's language, by gen_ai.provider.name."""


def _provider_of(client: Any) -> str:
    names = {kind.__name__ for kind in type(client).__mro__}
    if names & {"AzureOpenAI", "AsyncAzureOpenAI"}:
        return "azure.ai.openai"
    if names & {"BedrockOpenAI", "AsyncBedrockOpenAI"}:
        return "aws.bedrock"
    with guard("openai.provider"):
        return PROVIDERS.get(client.base_url.host, "openai")
    return "openai"
