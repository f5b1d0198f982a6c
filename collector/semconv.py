"""
Names of OpenTelemetry's GenAI conventions, as our own constants.

Flow: assembly -> **these names** -> spans -> exporters.
The conventions live in a repository of their own (status: Development) and the constants of the Python package are marked
as moved, so the names are written down here with the state they follow.
"""

from collections.abc import Mapping
from dataclasses import dataclass

CONVENTIONS = "OpenTelemetry GenAI semantic conventions (Development), names as of opentelemetry-semantic-conventions 0.66b2"

OPERATION_NAME = "gen_ai.operation.name"
PROVIDER_NAME = "gen_ai.provider.name"
CONVERSATION_ID = "gen_ai.conversation.id"
OUTPUT_TYPE = "gen_ai.output.type"
AGENT_NAME = "gen_ai.agent.name"

REQUEST_MODEL = "gen_ai.request.model"
REQUEST_CHOICE_COUNT = "gen_ai.request.choice.count"
REQUEST_SEED = "gen_ai.request.seed"
REQUEST_TOP_K = "gen_ai.request.top_k"
REQUEST_STREAM = "gen_ai.request.stream"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
REQUEST_TOP_P = "gen_ai.request.top_p"
REQUEST_FREQUENCY_PENALTY = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY = "gen_ai.request.presence_penalty"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_STOP_SEQUENCES = "gen_ai.request.stop_sequences"
REQUEST_REASONING_LEVEL = "gen_ai.request.reasoning.level"
REQUEST_PREVIOUS_RESPONSE_ID = "gen_ai.request.previous_response.id"

RESPONSE_ID = "gen_ai.response.id"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"

USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE_TOKENS = "gen_ai.usage.cache_write.input_tokens"
USAGE_REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"

TOOL_NAME = "gen_ai.tool.name"
TOOL_CALL_ID = "gen_ai.tool.call.id"
TOOL_TYPE = "gen_ai.tool.type"
TOOL_DESCRIPTION = "gen_ai.tool.description"

INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
TOOL_DEFINITIONS = "gen_ai.tool.definitions"
TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_CALL_RESULT = "gen_ai.tool.call.result"

OPENAI_API_TYPE = "openai.api.type"
ERROR_TYPE = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"

HOOKLINE_REQUEST_ID = "hookline.request_id"
HOOKLINE_CLIENT_ID = "hookline.client_id"
HOOKLINE_INCOMPLETE = "hookline.incomplete"
HOOKLINE_COST_USD = "hookline.cost_usd"
HOOKLINE_WAITING = "hookline.waiting"
HOOKLINE_TRIGGERED = "hookline.triggered"
"""Whether a guardrail stepped in."""

ERROR_OTHER = "_OTHER"
"""`error.type` where nothing better is known (OpenTelemetry's word)."""

UNKNOWN_PROVIDER = "unknown"
"""`gen_ai.provider.name` where nobody said it: the attribute is required."""

EXECUTE_TOOL = "execute_tool"
INVOKE_AGENT = "invoke_agent"
CHAT = "chat"
VIDEO_POLL = "video_poll"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How calls of an activity are told to OpenTelemetry."""

    name: str
    is_client: bool = True
    """CLIENT where the call leaves the process, else INTERNAL."""
    output_type: str | None = None


OPERATIONS: Mapping[str, Operation] = {
    "text": Operation(name=CHAT),
    "embedding": Operation(name="embeddings"),
    "agent": Operation(name=INVOKE_AGENT, is_client=False),
    "image": Operation(name="image_generation", output_type="image"),
    "speech": Operation(name="text_to_speech", output_type="speech"),
    "voice": Operation(name="voice_generation", output_type="speech"),
    "transcription": Operation(name="speech_to_text", output_type="text"),
    "audio": Operation(name="audio_generation", output_type="audio"),
    "video": Operation(name="video_generation", output_type="video"),
    "world": Operation(name="world_generation"),
    "liveVideo": Operation(name="live_video_generation", output_type="video"),
    "summarize": Operation(name="summarize", output_type="text"),
    "rerank": Operation(name="rerank", output_type="json"),
    "evaluate": Operation(name="evaluate", output_type="json"),
    "moderation": Operation(name="moderation", output_type="json"),
}
"""Activity, the first word of a request event's type -> its operation. The conventions name chat, embeddings, invoke_agent."""

UNKNOWN_ACTIVITY = Operation(name="unknown")

VIDEO_POLL_TYPES = frozenset({"status", "url"})
"""`requestType` of a video request that asks after a job instead of making one."""


def operation_of(activity: str, payload: Mapping[str, object]) -> Operation:
    """The operation of a call, by its activity and its first request event."""
    if activity == "video" and payload.get("requestType") in VIDEO_POLL_TYPES:
        return Operation(name=VIDEO_POLL, output_type="video")
    return OPERATIONS.get(activity, UNKNOWN_ACTIVITY)


def span_name(operation: str, target: str | None) -> str:
    """`chat gpt-4o`; the operation alone where the target is not known."""
    return f"{operation} {target}" if target else operation
