"""
What the tests of the openai-agents hook share: a client, models, and a look at the events.
"""

from typing import Any

from agents import (
    Model,
    ModelResponse,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Usage,
)
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from openai.types.responses import ResponseOutputMessage, ResponseOutputText

from collector.demo.provider import Provider
from tests.sdk_hooks.hooks.capture import Capture, Event

MODEL = "gpt-4o-mini"
QUIET = RunConfig(tracing_disabled=True)


def make_client(provider: Provider) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=provider.base_url, api_key="not-a-key", http_client=DefaultAsyncHttpxClient(verify=False))


def responses(client: AsyncOpenAI) -> Model:
    return OpenAIResponsesModel(MODEL, client)


def chat(client: AsyncOpenAI) -> Model:
    return OpenAIChatCompletionsModel(MODEL, client)


def of_type(capture: Capture, event_type: str) -> list[Event]:
    return [event for event in capture.events() if event["type"] == event_type]


class Echo(Model):
    """A model of the host's own, with no client underneath."""

    def __init__(self, usage: Usage) -> None:
        self.usage = usage

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        text = ResponseOutputText(text="heard", type="output_text", annotations=[])
        message = ResponseOutputMessage(id="m1", content=[text], role="assistant", status="completed", type="message")
        return ModelResponse(output=[message], usage=self.usage, response_id=None)

    def stream_response(self, *args: Any, **kwargs: Any) -> Any:
        """The SDK's model has to have it; hosts that stream have a model of their own."""
        raise NotImplementedError
