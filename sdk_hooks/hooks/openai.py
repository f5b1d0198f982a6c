"""
Hook the openai SDK: OpenAI, AsyncOpenAI, their Azure and other subclasses, and the module-level client.

Flow: host -> client.chat.completions.create(…) -> **client.request** -> recorder.
Every resource, helper and raw variant goes through the client's `request`, once a logical call (retries are inside it), so that
one method of the instance is all that is covered. Facts checked with openai 3.54.
"""

import sys
from typing import Any, cast

from sdk_hooks.config import Layer
from sdk_hooks.guard import guard
from sdk_hooks.hooks import openai_videos
from sdk_hooks.hooks.openai_endpoints import ENDPOINTS
from sdk_hooks.hooks.stainless.clients import Clients, where_request_is
from sdk_hooks.hooks.stainless.endpoints import Sdk

MODULE_CLIENTS = ("_ModuleClient", "_AzureModuleClient", "_BedrockModuleClient")


# -- the four functions of a hook -----------------------------------------------------------------------------------------


def instrument(client: Any, layer: Layer) -> bool:
    """Hook a client, or with the module `openai` its module-level client."""
    if client is sys.modules.get("openai"):
        _hook_module(layer)
        return True
    return _clients.instrument(client, layer)


def uninstrument(client: Any) -> bool:
    if client is sys.modules.get("openai"):
        _unhook_module()
        return True
    return _clients.uninstrument(client)


def instrument_all(layer: Layer) -> None:
    """Every client that is made from now on, and the module-level client."""
    import openai

    _clients.instrument_made_by(where_request_is(openai.OpenAI, openai.AsyncOpenAI), layer)
    _hook_module(layer)


def uninstrument_all() -> None:
    _clients.uninstrument_all()
    _unhook_module()


# -- the module-level client ----------------------------------------------------------------------------------------------


def _hook_module(layer: Layer) -> None:
    import openai

    module = cast("Any", openai)
    if module._client is not None:
        _clients.instrument(module._client, layer)
    _clients.instrument_made_by([getattr(module, name) for name in MODULE_CLIENTS], layer)


def _unhook_module() -> None:
    import openai

    module = cast("Any", openai)
    _clients.uninstrument_made_by([vars(module)[name] for name in MODULE_CLIENTS if name in vars(module)])
    if getattr(module, "_client", None) is not None:
        _clients.uninstrument(module._client)


# -- what openai is -------------------------------------------------------------------------------------------------------


PROVIDERS = {
    "openrouter.ai": "openrouter",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
}
"""Who answers behind an address that speaks openai's language, by gen_ai.provider.name."""


def provider_of(client: Any) -> str:
    """The gen_ai.provider.name of who answers this client."""
    names = {kind.__name__ for kind in type(client).__mro__}
    if names & {"AzureOpenAI", "AsyncAzureOpenAI"}:
        return "azure.ai.openai"
    if names & {"BedrockOpenAI", "AsyncBedrockOpenAI"}:
        return "aws.bedrock"
    with guard("openai.provider"):
        return PROVIDERS.get(client.base_url.host, "openai")
    return "openai"


_clients = Clients(
    Sdk(
        name="openai",
        endpoints=ENDPOINTS,
        provider_of=provider_of,
        last_frames=(b"data: [DONE]", b"event: response.completed", b"event: response.incomplete", b"event: response.failed"),
        failed_frames={b"event: response.failed": "server_error"},
        find=openai_videos.find,
    )
)
