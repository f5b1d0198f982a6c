"""
What a model was asked through openai-agents and what it answered, as fields of events.

Flow: arguments of Model.get_response -> fields of `text:request:started`; ModelResponse -> fields of `text:request:completed`.
The SDK speaks openai's Responses to every model, whatever the model itself speaks: requests and items are read like those.
"""

from types import SimpleNamespace
from typing import Any, cast

from sdk_hooks.hooks.openai_answers import take_response
from sdk_hooks.hooks.openai_answers import token_usage as openai_usage
from sdk_hooks.hooks.openai_requests import started_response
from sdk_hooks.hooks.stainless.answers import Answer, Event, completed_by, plain, take_usage
from sdk_hooks.recorder import Shape

ARGUMENTS = ("system_instructions", "input", "model_settings", "tools", "output_schema", "handoffs", "tracing")
"""Of `Model.get_response` and `stream_response`, which the runner gives by name or by place."""

SETTINGS = (
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "tool_choice",
    "parallel_tool_calls",
    "truncation",
    "max_tokens",
    "reasoning",
    "verbosity",
    "metadata",
    "store",
    "top_logprobs",
)
"""What is told of the model settings. Extra headers and bodies may hold keys and are not."""

COUNTS = ("input_tokens", "output_tokens", "total_tokens", "input_tokens_details", "output_tokens_details")


def request_of(asked: Event) -> Event:
    """The arguments by name -> a Responses request, for the snapshot."""
    told: Any = getattr(asked.get("model_settings"), "__dict__", {})
    request: Event = {name: plain(value) for name in SETTINGS if (value := told.get(name)) is not None}
    for name in ("previous_response_id", "conversation_id"):
        if asked.get(name):
            request[name] = asked[name]
    request["input"] = asked.get("input")
    request["instructions"] = asked.get("system_instructions")
    tools = [_tool(tool) for tool in asked.get("tools") or ()] + [_handoff(handoff) for handoff in asked.get("handoffs") or ()]
    if tools:
        request["tools"] = tools
    return request


def _tool(tool: Any) -> Event:
    schema = getattr(tool, "params_json_schema", None)
    name = str(getattr(tool, "name", type(tool).__name__))
    if schema is None:
        return {"type": name, "name": name}
    return {"type": "function", "name": name, "description": tool.description, "parameters": schema}


def _handoff(handoff: Any) -> Event:
    about = {"description": handoff.tool_description, "parameters": handoff.input_json_schema}
    return {"type": "function", "name": handoff.tool_name, **about}


def started(request: Any) -> Event:
    fields = started_response(request)
    # It is the SDK's language, not necessarily what goes over the wire.
    del fields["api"]
    return fields


def take_model_response(response: Any) -> Answer:
    """The whole answer of a call that was not streamed. Pictures in it are the run's, not calls of their own."""
    seen = SimpleNamespace(output=response.output, id=response.response_id, status="completed")
    fields = take_response(seen)[0].fields
    # A ModelResponse has no model and no finish reason.
    told = {name: value for name, value in fields.items() if value is not None and name != "finishReason"}
    usage = response.usage
    return Answer(told, take_usage({name: getattr(usage, name, None) for name in COUNTS}))


def _token_usage(usage: Event | None) -> Event:
    """The SDK fills in zeros where a provider told no usage: then it is missing, for nothing costs no tokens at all."""
    told = openai_usage(usage)
    return told if any(told.get(name) for name in ("promptTokens", "completionTokens", "totalTokens")) else {}


MODEL_CALL = Shape("text", started, completed_by(_token_usage))


def shown(value: Any) -> Any:
    """An output as data: models and dataclasses by their members."""
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        return dump(mode="json")
    if isinstance(value, (list, tuple)):
        return [shown(inner) for inner in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {str(name): shown(inner) for name, inner in cast("dict[Any, Any]", value).items()}
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        return {name: shown(getattr(value, name)) for name in value.__dataclass_fields__}
    return value
