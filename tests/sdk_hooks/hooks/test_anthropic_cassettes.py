"""
Real recordings of Anthropic, replayed through the real, wrapped client: what is recorded is what the provider said.
"""

import json
from typing import Any

import httpx2
import pytest
from anthropic import Anthropic

from sdk_hooks import instrument
from tests.fakes.cassettes import Exchange, Said, exchanges_with
from tests.fakes.required import shared
from tests.sdk_hooks.hooks.capture import capturing


def test_every_file_is_replayed() -> None:
    """
    All of them are replayed; without the folder of recordings this says so instead of passing in silence.
    """
    assert 3 == len(list(shared("fixtures", "cassettes", "anthropic").glob("*.yaml")))


@pytest.mark.parametrize("exchange", exchanges_with("anthropic"))
def test_recording_is_recorded_as_it_was(exchange: Exchange) -> None:
    """
    Models, stop reason, the provider's counts, tools and text equal the recording's body.
    """
    said = _said(exchange)
    with capturing() as capture:
        replay(exchange)
        call = capture.only_terminal()
        usage = call["usage"]
        assert exchange.request["model"] == call["model"]
        recorded = Said(
            response_model=call["responseModel"],
            finish_reasons=[call["finishReason"]],
            usage={"input": usage["providerUsageDetails"]["input_tokens"], "output": usage["completionTokens"]},
            tool_calls=[
                (tool["id"], tool["function"]["name"], json.dumps(json.loads(tool["function"]["arguments"])))
                for tool in call.get("toolCalls", ())
            ],
            text=call["content"],
        )
        assert said == recorded
        # Nothing in the recordings was cached: the total is the fresh input.
        assert said.usage["input"] == usage["promptTokens"]


def replay(exchange: Exchange) -> None:
    """Send the recorded request with the real client to the recorded answer."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert exchange.path == request.url.path
        return httpx2.Response(exchange.status, headers={"content-type": exchange.content_type}, content=exchange.body)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as transport:
        client = instrument(Anthropic(api_key="not-a-key", http_client=transport, max_retries=0))
        result: Any = client.messages.create(**exchange.request)
        if exchange.is_stream:
            list(result)


def _said(exchange: Exchange) -> Said:
    """Read the recording with nothing but the provider's own documentation in mind."""
    return _streamed(exchange.frames) if exchange.is_stream else _whole(exchange.document)


def _whole(document: dict[str, Any]) -> Said:
    blocks = document["content"]
    return Said(
        response_model=document["model"],
        finish_reasons=[document["stop_reason"]],
        usage={"input": document["usage"]["input_tokens"], "output": document["usage"]["output_tokens"]},
        tool_calls=[(block["id"], block["name"], json.dumps(block["input"])) for block in blocks if block["type"] == "tool_use"],
        text="".join(block["text"] for block in blocks if block["type"] == "text"),
    )


def _streamed(frames: list[Any]) -> Said:
    begun = next(frame["message"] for frame in frames if frame["type"] == "message_start")
    ended = next(frame for frame in frames if frame["type"] == "message_delta")
    blocks = {frame["index"]: [frame["content_block"], ""] for frame in frames if frame["type"] == "content_block_start"}
    for frame in frames:
        if frame["type"] == "content_block_delta":
            blocks[frame["index"]][1] += frame["delta"].get("text") or frame["delta"].get("partial_json") or ""
    tools = [(block["id"], block["name"], written) for block, written in blocks.values() if block["type"] == "tool_use"]
    return Said(
        response_model=begun["model"],
        finish_reasons=[ended["delta"]["stop_reason"]],
        usage={"input": begun["usage"]["input_tokens"], "output": ended["usage"]["output_tokens"]},
        tool_calls=[(given, name, json.dumps(json.loads(written))) for given, name, written in tools],
        text="".join(written for block, written in blocks.values() if block["type"] == "text"),
    )
