"""
Real recordings, replayed through the real, wrapped client: what is recorded is what the provider said.
"""

from dataclasses import replace
from typing import Any

import httpx2
import pytest
from openai import APIStatusError, OpenAI

from sdk_hooks import instrument
from tests.fakes.cassettes import Exchange, Said, exchanges_with, what_it_says
from tests.fakes.required import shared
from tests.sdk_hooks.hooks.capture import Event, capturing

USAGE_NAMES = {
    "prompt_tokens": "promptTokens",
    "input_tokens": "promptTokens",
    "completion_tokens": "completionTokens",
    "output_tokens": "completionTokens",
    "total_tokens": "totalTokens",
    "prompt_tokens_details.cached_tokens": "promptTokensDetails.cachedTokens",
    "prompt_tokens_details.audio_tokens": "promptTokensDetails.audioTokens",
    "input_tokens_details.cached_tokens": "promptTokensDetails.cachedTokens",
    "completion_tokens_details.reasoning_tokens": "completionTokensDetails.reasoningTokens",
    "completion_tokens_details.audio_tokens": "completionTokensDetails.audioTokens",
    "completion_tokens_details.accepted_prediction_tokens": "completionTokensDetails.acceptedPredictionTokens",
    "completion_tokens_details.rejected_prediction_tokens": "completionTokensDetails.rejectedPredictionTokens",
    "output_tokens_details.reasoning_tokens": "completionTokensDetails.reasoningTokens",
}
"""The provider's name of every usage field in the recordings, and the event's. A new field fails the test until it is here."""


def test_every_file_is_replayed() -> None:
    """
    All of them are replayed; without the folder of recordings this says so instead of passing in silence.
    """
    assert 13 == len(list(shared("fixtures", "cassettes", "openai").glob("*.yaml")))


@pytest.mark.parametrize("exchange", exchanges_with("openai"))
def test_recording_is_recorded_as_it_was(exchange: Exchange) -> None:
    """
    Model, response model, finish reasons, every usage field, tool calls, text and images equal the recording's body.
    """
    said = what_it_says(exchange)
    with capturing() as capture:
        replay(exchange)
        calls = [event for event in capture.terminals() if "parentRequestId" not in event]
        images = [event for event in capture.terminals() if "parentRequestId" in event]
        assert 1 == len(calls)
        assert exchange.request["model"] == calls[0]["model"]
        renamed = {USAGE_NAMES[name]: count for name, count in said.usage.items()}
        assert replace(said, usage=renamed) == as_recorded(calls[0], images)


def replay(exchange: Exchange) -> None:
    """Send the recorded request with the real client to the recorded answer."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert exchange.path == request.url.path
        return httpx2.Response(exchange.status, headers={"content-type": exchange.content_type}, content=exchange.body)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as transport:
        client = instrument(
            OpenAI(api_key="not-a-key", base_url="https://api.openai.com/v1", http_client=transport, max_retries=0)
        )
        create: Any = {
            "/v1/chat/completions": client.chat.completions.create,
            "/v1/responses": client.responses.create,
            "/v1/embeddings": client.embeddings.create,
            "/v1/images/generations": client.images.generate,
        }[exchange.path]
        try:
            result = create(**exchange.request)
        except APIStatusError:
            return
        if exchange.is_stream:
            list(result)


def as_recorded(event: Event, images: list[Event]) -> Said:
    """A terminal event in the words of the recording."""
    if event["type"].endswith(":error"):
        assert event["error"]["name"] in ("NotFoundError", "BadRequestError")
        # The SDK's message: `Error code: 404 - The model …`
        return Said(error=event["error"]["message"].partition(" - ")[2])
    single = [event["finishReason"]] if "finishReason" in event else []
    calls = [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in event.get("toolCalls", ())]
    pictures = [picture for made in [event, *images] for picture in made.get("images", ())]
    return Said(
        response_model=event.get("responseModel"),
        finish_reasons=event.get("finishReasons", single),
        usage=_usage(event.get("usage", {})),
        tool_calls=calls,
        text=event.get("content", ""),
        images=[picture.get("b64Json") or picture["url"] for picture in pictures],
    )


def _usage(usage: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in usage.items():
        flat |= {f"{name}.{inner}": count for inner, count in value.items()} if isinstance(value, dict) else {name: value}
    return flat
