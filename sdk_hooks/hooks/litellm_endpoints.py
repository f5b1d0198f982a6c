"""
Which functions of litellm are what kind of call, what is kept of their arguments, and how answers read that openai has not.

Flow: a litellm function -> **endpoint** -> recorder.
One row a function; each has a twin with an `a` before its name. litellm's answers are openai's, whoever gave them.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from sdk_hooks.hooks import openai_answers as answers
from sdk_hooks.hooks import openai_requests as requests
from sdk_hooks.hooks.litellm_notes import ChatNotes, ResponseNotes
from sdk_hooks.hooks.openai_endpoints import MODERATION, SPEECH, TRANSCRIPTION, end_chat, end_response, finish_chat
from sdk_hooks.hooks.openai_notes import ChoiceNotes, MediaNotes
from sdk_hooks.hooks.stainless.answers import Answer, Event, completed_by, get, take_usage
from sdk_hooks.hooks.stainless.asked import mapping, options
from sdk_hooks.hooks.stainless.endpoints import Endpoint
from sdk_hooks.recorder import Call, Shape

# fmt: off
KEPT = (
    "messages", "input", "instructions", "prompt", "query", "documents", "tools", "n", "size",
    "temperature", "top_p", "top_k", "top_n", "max_tokens", "max_completion_tokens", "max_output_tokens", "stop", "seed",
    "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs", "response_format", "tool_choice",
    "parallel_tool_calls", "functions", "function_call", "reasoning", "reasoning_effort", "thinking", "verbosity", "modalities",
    "prediction", "service_tier", "store", "include", "previous_response_id", "text", "truncation", "stream_options",
    "web_search_options", "dimensions", "encoding_format", "input_type", "quality", "style", "background", "output_format",
    "voice", "speed", "language", "timestamp_granularities", "suffix", "echo", "best_of", "num_retries", "max_retries",
)
# fmt: on
"""
Arguments that are recorded. Named one by one: hosts give litellm keys, credentials, headers, addresses and clients in the same
breath, under names of every provider.
"""

# fmt: off
PROVIDERS = {
    "azure": "azure.ai.openai", "azure_ai": "azure.ai.inference", "bedrock": "aws.bedrock", "bedrock_converse": "aws.bedrock",
    "gemini": "gcp.gemini", "mistral": "mistral_ai", "text-completion-openai": "openai", "vertex_ai": "gcp.vertex_ai",
    "vertex_ai_beta": "gcp.vertex_ai", "watsonx": "ibm.watsonx.ai", "xai": "x_ai",
}
# fmt: on
"""litellm's names -> gen_ai.provider.name, where they differ."""


def _token_usage(usage: Event | None) -> Event:
    told = answers.token_usage(usage)
    details = told.get("promptTokensDetails", {})
    if "cacheCreationTokens" in details:
        details["cacheWriteTokens"] = details.pop("cacheCreationTokens")
    return told


_completed = completed_by(_token_usage)


def _end_chat(call: Call, completion: Any) -> None:
    answer = answers.take_chat(completion)
    thought = get(get(completion.choices[0], "message"), "reasoning_content") if completion.choices else None
    if isinstance(thought, str) and thought:
        answer.fields["reasoning"] = thought
    finish_chat(call, answer, completion)


def _take_embeddings(response: Any) -> Answer:
    """Vectors are dicts here."""
    data = response.data
    first: Any = mapping(data[0]).get("embedding") if data else None
    fields: Event = {"responseModel": response.model, "embeddingCount": len(data)}
    if isinstance(first, list):
        fields["dimensions"] = len(cast("list[Any]", first))
    return Answer(fields, take_usage(get(response, "usage")))


def _started_rerank(request: Any) -> Event:
    asked = mapping(request)
    fields: Event = {"query": str(asked.get("query") or "")}
    if isinstance(asked.get("documents"), list):
        fields["documentCount"] = len(asked["documents"])
    return fields | options(asked, ("query", "documents"))


def _take_rerank(response: Any) -> Answer:
    return Answer({"responseId": response.id, "resultCount": len(response.results or ())}, None)


def _ending(take: Callable[[Any], Answer]) -> Callable[[Call, Any], None]:
    def end(call: Call, result: Any) -> None:
        call.complete(take(result))

    return end


_chat = Shape("text", requests.started_chat, _completed)
_response = Shape("text", requests.started_response, _completed)
_image = Endpoint(Shape("image", requests.started_image, _completed), _ending(answers.take_images), MediaNotes)

FUNCTIONS: Mapping[str, Endpoint] = {
    "completion": Endpoint(_chat, _end_chat, ChatNotes),
    "text_completion": Endpoint(_chat, end_chat, ChoiceNotes),
    "responses": Endpoint(_response, end_response, ResponseNotes),
    "embedding": Endpoint(Shape("embedding", requests.started_embedding, _completed), _ending(_take_embeddings), MediaNotes),
    "image_generation": _image,
    "image_edit": _image,
    "speech": Endpoint(SPEECH, _ending(answers.take_speech), MediaNotes),
    "transcription": Endpoint(TRANSCRIPTION, _ending(answers.take_transcription), MediaNotes),
    "moderation": Endpoint(MODERATION, _ending(answers.take_moderation), MediaNotes),
    "rerank": Endpoint(Shape("rerank", _started_rerank, _completed), _ending(_take_rerank), MediaNotes),
}
