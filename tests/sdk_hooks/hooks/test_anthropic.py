"""
What the anthropic SDK does in a way of its own: what was not given stands in its requests, as an object of its.
"""

import json
from typing import Any

import anthropic
import httpx2
import pytest

from sdk_hooks import instrument
from tests.sdk_hooks.hooks.capture import Capture

TEXT = {"type": "text", "text": "Hello"}
MESSAGE = {"id": "msg-1", "type": "message", "role": "assistant", "model": "claude", "content": [TEXT], "stop_reason": "end_turn"}
ASKED: Any = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}


def sent_and_recorded(capture: Capture, **asked: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body that went over the wire, and the started event."""
    bodies: list[Any] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.content))
        return httpx2.Response(200, json=MESSAGE | {"usage": {"input_tokens": 1, "output_tokens": 1}})

    client = anthropic.Anthropic(api_key="none", http_client=httpx2.Client(transport=httpx2.MockTransport(answer)))
    instrument(client).messages.create(**ASKED | asked)
    return bodies[0], capture.started()[0]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"service_tier": "auto", "stop_sequences": ["."]},
        {"service_tier": anthropic.omit, "metadata": anthropic.not_given},
        {"service_tier": anthropic.Omit(), "metadata": {"user_id": anthropic.omit}},
        {"extra_body": {"a": 1, "service_tier": anthropic.omit}, "service_tier": "auto"},
    ],
)
def test_what_was_not_given_is_no_option(asked: dict[str, Any], capture: Capture) -> None:
    """
    The options are those of the body that was sent.
    """
    body, started = sent_and_recorded(capture, **asked)
    assert {name: value for name, value in body.items() if name not in ("model", "messages")} == started["modelOptions"]
    assert body["messages"] == started["messages"]
    assert not started["hasTools"]


def test_answers_that_are_sent_back_are_recorded_as_sent(capture: Capture) -> None:
    """
    Agents put the SDK's own blocks among the messages, as they came.
    """
    use = {"type": "tool_use", "id": "t-1", "name": "look", "input": {"at": 1}}
    message = anthropic.types.Message.model_validate(
        MESSAGE | {"content": [TEXT, use], "usage": {"input_tokens": 1, "output_tokens": 1}}
    )
    body, started = sent_and_recorded(
        capture,
        messages=[*ASKED["messages"], {"role": "assistant", "content": message.content}],
        tools=[{"name": "look", "input_schema": {"type": "object"}, "cache_control": anthropic.omit}],
    )
    assert body["messages"] == started["messages"]
    assert body["tools"] == started["options"]["tools"]
