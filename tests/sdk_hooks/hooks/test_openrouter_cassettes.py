"""
Real recordings of OpenRouter, replayed through the real, wrapped client: what is recorded is what the provider said.
"""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from openrouter import OpenRouter

from sdk_hooks import instrument
from tests.fakes.cassettes import Exchange, Said, exchanges_with, read_cassette, what_it_says
from tests.fakes.required import shared
from tests.sdk_hooks.hooks.capture import Event, capturing

USAGE_NAMES = {
    "prompt_tokens": "promptTokens",
    "completion_tokens": "completionTokens",
    "total_tokens": "totalTokens",
    "prompt_tokens_details.cached_tokens": "promptTokensDetails.cachedTokens",
    "prompt_tokens_details.audio_tokens": "promptTokensDetails.audioTokens",
    "completion_tokens_details.reasoning_tokens": "completionTokensDetails.reasoningTokens",
    "cost": "cost",
    "is_byok": "providerUsageDetails.is_byok",
    "cost_details.upstream_inference_prompt_cost": "providerUsageDetails.cost_details.upstream_inference_prompt_cost",
    "cost_details.upstream_inference_completions_cost": "providerUsageDetails.cost_details.upstream_inference_completions_cost",
}
"""The provider's name of every usage field in the recordings, and the event's. A new field fails the test until it is here."""

DROPPED_BY_THE_CLIENT = frozenset(("completion_tokens_details.image_tokens",))
"""What OpenRouter sends and its own client has no field for: nobody behind the client can see it."""


def test_every_file_is_replayed() -> None:
    """
    All of them are replayed; without the folder of recordings this says so instead of passing in silence.
    """
    assert 3 == len(list(shared("fixtures", "cassettes", "openrouter").glob("*.yaml")))


@pytest.mark.parametrize("exchange", exchanges_with("openrouter"))
def test_recording_is_recorded_as_it_was(exchange: Exchange) -> None:
    """
    Models, finish reason, every usage field with its price, tools, text, thoughts and the error equal the recording's body.
    """
    said = what_it_says(exchange)
    with capturing() as capture:
        replay(exchange)
        call = capture.only_terminal()
        assert exchange.request["model"] == call["model"]
        usage = {USAGE_NAMES[name]: count for name, count in said.usage.items() if name not in DROPPED_BY_THE_CLIENT}
        recorded = Said(
            response_model=call["responseModel"],
            finish_reasons=[call["finishReason"]],
            usage=dict(_flat(call["usage"])),
            tool_calls=[
                (tool["id"], tool["function"]["name"], tool["function"]["arguments"]) for tool in call.get("toolCalls", ())
            ],
            text=call.get("content", ""),
            error=call.get("error", {}).get("message"),
        )
        assert replace(said, usage=usage, error=_error_in(exchange)) == recorded
        assert _thoughts_in(exchange) == _thoughts_recorded(capture.events())


def test_answer_that_the_client_refuses_is_an_error() -> None:
    """
    The recorded document lacks a member that the client of today insists on: the host gets an exception, the call has an error.
    """
    exchange = next(read_cassette(shared("fixtures", "cassettes", "openrouter", "tool_calling.yaml")))
    with capturing() as capture, pytest.raises(Exception, match="validation failed"):
        send(exchange, exchange.body)
    assert "ResponseValidationError" == capture.only_terminal()["error"]["name"]


def replay(exchange: Exchange) -> None:
    """Send the recorded request with the real client to the recorded answer."""
    body = exchange.body
    if not exchange.is_stream:
        body = json.dumps({"system_fingerprint": None, **exchange.document}).encode()
    send(exchange, body)


def send(exchange: Exchange, body: bytes) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert exchange.path == request.url.path
        return httpx.Response(exchange.status, headers={"content-type": exchange.content_type}, content=body)

    with httpx.Client(transport=httpx.MockTransport(answer)) as transport:
        result = instrument(OpenRouter(api_key="not-a-key", client=transport)).chat.send(**exchange.request)
        if exchange.is_stream:
            list(result)


def _flat(usage: dict[str, Any], before: str = "") -> Any:
    for name, value in usage.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _error_in(exchange: Exchange) -> str | None:
    frames = exchange.frames if exchange.is_stream else []
    return next((frame["error"]["message"] for frame in frames if "error" in frame), None)


def _thoughts_in(exchange: Exchange) -> str:
    frames = exchange.frames if exchange.is_stream else []
    return "".join(choice["delta"].get("reasoning") or "" for frame in frames for choice in frame["choices"])


def _thoughts_recorded(events: list[Event]) -> str:
    packs = [event for event in events if event["type"] == "text:chunk:thinking"]
    return "".join(chunk["delta"] for pack in packs for chunk in pack["chunks"])
