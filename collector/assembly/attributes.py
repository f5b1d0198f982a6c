"""
The attributes of a call's spans, under the names of the GenAI conventions.

Flow: facts, call -> **attributes** -> spans -> exporters.
What is not known is left out; the conventions make a value for "unknown" only where they require the attribute.
"""

from collections.abc import Callable, Mapping
from typing import Any

from collector import semconv
from collector.assembly.ending import Ended, Ending
from collector.assembly.facts import Facts
from collector.assembly.messages import input_messages, output_messages, system_instructions, tool_definitions
from collector.fields import items, mapping, name, number, text, whole
from collector.spans import Call, ToolCall, Usage

Attributes = dict[str, Any]

Reading = Callable[[object], object]


def _double(value: object) -> float | None:
    found = number(value)
    return None if found is None else float(found)


_NUMBERS: Mapping[str, tuple[str, ...]] = {
    semconv.REQUEST_TEMPERATURE: ("temperature",),
    semconv.REQUEST_TOP_P: ("top_p", "topP"),
    semconv.REQUEST_FREQUENCY_PENALTY: ("frequency_penalty", "frequencyPenalty"),
    semconv.REQUEST_PRESENCE_PENALTY: ("presence_penalty", "presencePenalty"),
}
_COUNTS: Mapping[str, tuple[str, ...]] = {
    semconv.REQUEST_MAX_TOKENS: ("max_output_tokens", "max_completion_tokens", "max_tokens", "maxOutputTokens", "maxTokens"),
    semconv.REQUEST_SEED: ("seed",),
    semconv.REQUEST_TOP_K: ("top_k", "topK"),
    semconv.REQUEST_CHOICE_COUNT: ("n", "numberOfImages"),
}
_NAMES: Mapping[str, tuple[str, ...]] = {
    semconv.REQUEST_REASONING_LEVEL: ("reasoning_effort", "reasoningEffort"),
    semconv.REQUEST_PREVIOUS_RESPONSE_ID: ("previous_response_id", "previousResponseId"),
}
_READINGS: tuple[tuple[str, tuple[str, ...], Reading], ...] = (
    *((attribute, keys, _double) for attribute, keys in _NUMBERS.items()),
    *((attribute, keys, whole) for attribute, keys in _COUNTS.items()),
    *((attribute, keys, name) for attribute, keys in _NAMES.items()),
)
_ADDRESS: tuple[tuple[str, str, Reading], ...] = (
    (semconv.OPENAI_API_TYPE, "api", name),
    (semconv.SERVER_ADDRESS, "serverAddress", name),
    (semconv.SERVER_PORT, "serverPort", whole),
)
"""To whom the request went."""
_READING_OF = {key: place for place, (_, keys, _) in enumerate(_READINGS) for key in keys}
_KEYS = frozenset(_READING_OF)


def call_attributes(facts: Facts, call: Call, ending: Ending) -> Attributes:
    """Attributes of the call's own span, content apart."""
    operation = semconv.operation_of(facts.activity or "", facts.asked)
    ended = mapping(ending.event.payload if isinstance(ending, Ended) and ending.event is not None else None)
    found: Attributes = {
        semconv.OPERATION_NAME: call.operation,
        semconv.PROVIDER_NAME: call.provider or semconv.UNKNOWN_PROVIDER,
        semconv.REQUEST_MODEL: call.model,
        semconv.CONVERSATION_ID: call.thread_id,
        semconv.AGENT_NAME: facts.named.get("agentName"),
        semconv.OUTPUT_TYPE: operation.output_type,
        semconv.RESPONSE_ID: facts.named.get("responseId"),
        semconv.RESPONSE_MODEL: call.response_model,
        semconv.RESPONSE_FINISH_REASONS: finish_reasons(call, ended),
        semconv.ERROR_TYPE: call.error_type,
        semconv.HOOKLINE_REQUEST_ID: call.request_id,
        semconv.HOOKLINE_CLIENT_ID: call.client_id,
        semconv.HOOKLINE_COST_USD: call.usage.cost_usd,
        semconv.HOOKLINE_INCOMPLETE: True if call.status == "incomplete" else None,
        semconv.HOOKLINE_WAITING: ending.waiting if isinstance(ending, Ended) else None,
    }
    _add_request(found, facts.asked)
    if call.time_to_first_chunk_ms is not None:
        found[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = call.time_to_first_chunk_ms / 1000
    return known(found)


def usage_attributes(usage: Usage) -> Attributes:
    """Token counts that were told."""
    return known(
        {
            semconv.USAGE_INPUT_TOKENS: usage.input_tokens,
            semconv.USAGE_OUTPUT_TOKENS: usage.output_tokens,
            semconv.USAGE_CACHE_READ_TOKENS: usage.cache_read_tokens,
            semconv.USAGE_CACHE_WRITE_TOKENS: usage.cache_write_tokens,
            semconv.USAGE_REASONING_TOKENS: usage.reasoning_tokens,
        }
    )


def content_attributes(facts: Facts, call: Call, ending: Ending, tools: list[ToolCall]) -> Attributes:
    """Prompts and answers; only for who asked for them on spans."""
    ended = mapping(ending.event.payload if isinstance(ending, Ended) and ending.event is not None else None)
    return known(
        {
            semconv.INPUT_MESSAGES: input_messages(facts),
            semconv.OUTPUT_MESSAGES: output_messages(facts, ending, tools, finish_reasons(call, ended) or []),
            semconv.SYSTEM_INSTRUCTIONS: system_instructions(facts),
            semconv.TOOL_DEFINITIONS: tool_definitions(facts),
        }
    )


def tool_attributes(tool: ToolCall, error_type: str | None, *, capture_content: bool) -> Attributes:
    """Attributes of an execute_tool span."""
    return known(
        {
            semconv.OPERATION_NAME: semconv.EXECUTE_TOOL,
            semconv.TOOL_NAME: tool.tool_name,
            semconv.TOOL_CALL_ID: tool.tool_call_id,
            semconv.ERROR_TYPE: error_type,
            semconv.TOOL_CALL_ARGUMENTS: tool.arguments if capture_content else None,
            semconv.TOOL_CALL_RESULT: tool.result if capture_content else None,
        }
    )


def finish_reasons(call: Call, ended: Mapping[str, Any]) -> list[str] | None:
    """Of every choice. A text call that failed before it had one gets `error`, as the conventions say."""
    told = [reason for reason in items(ended.get("finishReasons")) if isinstance(reason, str)]
    if told:
        return told
    if call.finish_reason:
        return [call.finish_reason]
    return ["error"] if call.status == "error" and call.operation in (semconv.CHAT, semconv.INVOKE_AGENT) else None


def known(attributes: Attributes) -> Attributes:
    """Without what is not known."""
    return {key: value for key, value in attributes.items() if value is not None}


def _add_request(found: Attributes, started: Mapping[str, Any]) -> None:
    """What was asked of the model."""
    sent = {**mapping(started.get("options")), **mapping(started.get("modelOptions"))}
    for key in ("numberOfImages", "responseFormat"):
        if key in started:
            sent[key] = started[key]
    for place in sorted({_READING_OF[key] for key in _KEYS.intersection(sent)}):
        attribute, keys, read = _READINGS[place]
        for key in keys:
            if key in sent:
                found[attribute] = read(sent[key])
                break
    if found.get(semconv.REQUEST_CHOICE_COUNT) == 1:
        found[semconv.REQUEST_CHOICE_COUNT] = None
    if "reasoning" in sent and not found.get(semconv.REQUEST_REASONING_LEVEL):
        found[semconv.REQUEST_REASONING_LEVEL] = name(mapping(sent["reasoning"]).get("effort"))
    if "stop" in sent:
        found[semconv.REQUEST_STOP_SEQUENCES] = _stop_sequences(sent["stop"])
    # The conventions want the attribute on streamed requests only.
    if started.get("streaming") is True:
        found[semconv.REQUEST_STREAM] = True
    for attribute, key, read in _ADDRESS:
        if key in started:
            found[attribute] = read(started[key])


def _stop_sequences(stop: object) -> list[str] | None:
    single = text(stop)
    if single is not None:
        return [single]
    return [sequence for sequence in items(stop) if isinstance(sequence, str)] or None
