"""
The five events that hookline was made for, every field set: nothing of them is dropped.
"""

import pytest

from tests.fakes.foreign_origins import ORIGINS, Origin
from tests.fakes.landing import landings


@pytest.mark.parametrize("origin", ORIGINS, ids=lambda origin: origin.title)
def test_every_field_is_found_again(origin: Origin) -> None:
    """
    In the row's payload or as a blob that it names, whatever else it is in.
    """
    lost = [field for field, places in landings(origin.post) if not {"payload", "`blobs`, and the payload names it"} & {*places}]

    assert [] == [field for field in lost if field != "type"]


EXPECTED = [
    (0, "payload.requestId", "`calls.request_id`"),
    (0, "payload.duration", "`calls.duration_ms`"),
    (0, "payload.duration", "`events.duration_ms`"),
    (0, "payload.images[1].b64Json", "`blobs`, and the payload names it"),
    (0, "payload.toolNames[0]", "`events.tool_names`"),
    (0, "payload.timestamp", "`calls.end_ms`"),
    (0, "context.traceparent", "`calls.trace_id`"),
    (1, "payload.itemId", "image's `calls.request_id`"),
    (1, "payload.sequenceNumber", "`events.sequence`"),
    (2, "payload.response.id", "attribute `gen_ai.response.id`"),
    (2, "payload.response.providerData.model", "`calls.response_model`"),
    (2, "payload.response.usage.inputTokens", "`calls.input_tokens`"),
    (2, "payload.response.usage.outputTokens", "`calls.output_tokens`"),
    (2, "payload.response.usage.inputTokensDetails.cached_tokens", "`calls.cache_read_tokens`"),
    (2, "payload.response.usage.outputTokensDetails.reasoning_tokens", "`calls.reasoning_tokens`"),
    (2, "payload.response.output[0].content[0].text", "`calls.answer_preview`"),
    (2, "payload.response.output[0].content[1].refusal", "`calls.answer_preview`"),
    (2, "payload.response.output[0].content[3].audio", "`blobs`, and the payload names it"),
    (2, "payload.response.output[0].content[5].image", "`blobs`, and the payload names it"),
    (2, "payload.response.output[1].output", "`tool_calls.result`"),
    (2, "payload.response.output[2].output", "`blobs`, and the payload names it"),
    (2, "payload.response.output[3].callId", "`tool_calls.tool_call_id`"),
    (2, "payload.response.output[3].arguments", "`tool_calls.arguments`"),
    (2, "payload.response.output[8].callId", "`tool_calls.tool_call_id`"),
    (2, "payload.response.output[7].action.scroll_y", "`tool_calls.arguments`"),
    (3, "payload.item_id", "image's `calls.request_id`"),
    (3, "payload.sequence_number", "`events.sequence`"),
    (4, "payload.base64", "`blobs`, and the payload names it"),
    (4, "context.requestId", "`calls.request_id`"),
    (4, "context.timestamp", "`calls.end_ms`"),
    (4, "context.model", "`calls.model`"),
    (4, "context.userId", "`calls.user_id`"),
]


@pytest.mark.parametrize(("number", "field", "place"), EXPECTED)
def test_field_lands_where_it_is_asked_for(number: int, field: str, place: str) -> None:
    """
    What one filters by, adds up or looks at is in a column, a call, an attribute or a blob.
    """
    assert place in dict(landings(ORIGINS[number].post))[field]
