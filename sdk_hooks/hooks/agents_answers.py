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
from sdk_hooks.hooks.stainless.answers import Answer, Event, Given, Plain, completed_by, plain, take_usage
from sdk_hooks.hooks.stainless.asked import mapping
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


COUNTED = frozenset((type(None), bool, int, float, str))
counted = COUNTED.issuperset


def request_of(asked: Event) -> Event:
    """The arguments by name -> nearly a Responses request, for the snapshot."""
    ask = asked.get
    told: Any = getattr(ask("model_settings"), "__dict__", {})
    # Nearly always they are numbers and words, of which `started` takes those that are told; seen in C. Where there is more,
    # which may be headers, nothing else is copied.
    if counted(map(type, told.values())):
        settings = told.copy()
    else:
        settings = {name: plain(value) for name in SETTINGS if (value := told.get(name)) is not None}
    request: Event = {"settings": settings, "input": ask("input"), "instructions": ask("system_instructions")}
    for name in ("previous_response_id", "conversation_id"):
        if ask(name):
            request[name] = asked[name]
    tools, handoffs = ask("tools"), ask("handoffs")
    if tools or handoffs:
        request["tools"] = [_tool(tool) for tool in tools or ()] + [_handoff(handoff) for handoff in handoffs or ()]
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
    asked = {**mapping(request)}
    settings = mapping(asked.pop("settings", None))
    fields = started_response({name: value for name in SETTINGS if (value := settings.get(name)) is not None} | asked)
    # It is the SDK's language, not necessarily what goes over the wire.
    del fields["api"]
    return fields


def plain_model_response(response: Any) -> Plain | None:
    """An answer of one message of one text, read at once. None: `take_model_response` reads it."""
    try:
        told = response.__dict__
        (only,) = told["output"]
        message = only.__dict__
        (part,) = message["content"]
        text, usage = part.__dict__["text"], told["usage"].__dict__
        if message["type"] != "message" or type(text) is not str or not text:
            return None
        counts: Event = {
            "input_tokens": usage["input_tokens"],
            "output_tokens": usage["output_tokens"],
            "total_tokens": usage["total_tokens"],
            "input_tokens_details": take_usage(usage["input_tokens_details"]),
            "output_tokens_details": take_usage(usage["output_tokens_details"]),
        }
        # Neither its model nor its finish reason is known.
        return None, told["response_id"], text, None, counts
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def take_model_response(response: Any) -> Answer:
    """The whole answer of a call that was not streamed. Pictures in it are the run's, not calls of their own."""
    seen = SimpleNamespace(output=response.output, id=response.response_id, status="completed")
    fields = take_response(seen)[0].fields
    fields.pop("finishReason", None)
    usage = response.usage
    return Answer(fields, take_usage({name: getattr(usage, name, None) for name in COUNTS}))


def _token_usage(usage: Event | None) -> Event:
    """The SDK fills in zeros where a provider told no usage: then it is missing, for nothing costs no tokens at all."""
    told = openai_usage(usage)
    return told if any(told.get(name) for name in ("promptTokens", "completionTokens", "totalTokens")) else {}


_completed = completed_by(_token_usage)


def completed(given: Given) -> Event:
    """The fields of a terminal event. A ModelResponse has neither model nor finish reason, a stream's last event has both."""
    return {name: value for name, value in _completed(given).items() if value is not None}


MODEL_CALL = Shape("text", started, completed)


SHOWN_DEPTH = 16


def shown(value: Any, depth: int = SHOWN_DEPTH) -> Any:
    """
    An output as data: models and dataclasses by their members, what goes deeper or can't be told by the name of its type.

    An agent is its name: what it is made with may hold keys.
    """
    if depth <= 0 or isinstance(value, type):
        return f"<{getattr(value, '__name__', type(value).__name__)}>"
    if hasattr(value, "model_settings"):
        return str(getattr(value, "name", None) or type(value).__name__)
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        try:
            # Without a word: pydantic's warnings quote what they are about, in the host's log.
            return dump(mode="json", warnings=False)
        except Exception:
            # A member that pydantic has no JSON for.
            return f"<{type(value).__name__}>"
    if isinstance(value, (list, tuple)):
        return [shown(inner, depth - 1) for inner in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {str(name): shown(inner, depth - 1) for name, inner in cast("dict[Any, Any]", value).items()}
    if hasattr(value, "__dataclass_fields__"):
        return {name: shown(getattr(value, name, None), depth - 1) for name in value.__dataclass_fields__}
    return value
