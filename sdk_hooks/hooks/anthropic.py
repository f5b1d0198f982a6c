"""
Hook the anthropic SDK: Anthropic, AsyncAnthropic, and their Bedrock, Vertex, Foundry and other subclasses.

Flow: host -> client.messages.create(…) -> **client.request** -> recorder.
The SDK's own middleware runs per attempt and gives back a new client; the client's `request` runs once a logical call. Messages
are recorded, those of the beta namespace, of the stream helper and of the tool runner too. Facts checked with anthropic 2.12.
"""

import sys
from typing import Any

from sdk_hooks.config import Layer
from sdk_hooks.hooks.anthropic_messages import MESSAGES
from sdk_hooks.hooks.stainless.clients import Clients, where_request_is
from sdk_hooks.hooks.stainless.endpoints import Sdk

PROVIDERS = (("Bedrock", "aws.bedrock"), ("AWS", "aws.bedrock"), ("Vertex", "gcp.vertex_ai"), ("GoogleCloud", "gcp.vertex_ai"))
"""Part of a client class's name -> gen_ai.provider.name of who answers."""


def instrument(client: Any, layer: Layer) -> bool:
    return _clients.instrument(client, layer)


def uninstrument(client: Any) -> bool:
    return _clients.uninstrument(client)


def instrument_all(layer: Layer) -> None:
    import anthropic

    _clients.instrument_made_by(where_request_is(anthropic.Anthropic, anthropic.AsyncAnthropic), layer)


def uninstrument_all() -> None:
    _clients.uninstrument_all()


def _provider_of(client: Any) -> str:
    names = " ".join(kind.__name__ for kind in type(client).__mro__ if kind.__module__.startswith("anthropic."))
    return next((provider for part, provider in PROVIDERS if f"Anthropic{part}" in names), "anthropic")


def _omitted() -> Any:
    return getattr(sys.modules.get("anthropic"), "omit", None)


_clients = Clients(
    Sdk(
        name="anthropic",
        # Older versions have the beta's query in the path.
        endpoints={"/v1/messages": MESSAGES, "/v1/messages?beta=true": MESSAGES},
        provider_of=_provider_of,
        last_frames=(b"event: message_stop",),
        failed_frames={b"event: error": "api_error"},
        omitted=_omitted,
    )
)
