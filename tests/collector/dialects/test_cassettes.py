"""
Recorded answers of the real provider, posted raw: what becomes of them is what the recording says.

The recordings lie beside the checkout; a checkout alone has none, and the tests say so.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.assembly.assembler import assemble
from collector.spans import Assembled
from tests.collector.assembly.stored import no_price, stored_calls
from tests.fakes.cassettes import Exchange, read_cassette, what_it_says
from tests.fakes.foreign import camelised, enveloped
from tests.fakes.posts import read_events

NAMES = (
    "responses_create_captures_tool_call_content",
    "responses_create_reports_reasoning_tokens",
    "responses_create_streaming",
    "responses_image_generation_call",
)
SPELLINGS = ("openai", "openrouter")


def exchanges(shared_fixtures: Path, name: str) -> Iterator[Exchange]:
    return read_cassette(shared_fixtures / "cassettes" / "openai" / f"{name}.yaml")


def events_of(exchange: Exchange) -> list[dict[str, Any]]:
    """The stream's events; of an answer that is no stream, the two that a stream with it would begin and end with."""
    if exchange.is_stream:
        return exchange.frames
    document = exchange.document
    begun = {**document, "status": "in_progress", "output": [], "usage": None}
    return [
        {"type": "response.created", "response": begun, "sequence_number": 0},
        {"type": "response.completed", "response": document, "sequence_number": 1},
    ]


def assembled(plugin_id: str, exchange: Exchange) -> tuple[dict[str, Assembled], list[bytes]]:
    """The calls and the media of an exchange."""
    events = events_of(exchange)
    posts = enveloped(plugin_id, events if plugin_id == "openai" else camelised(events), request_id="r1")
    result = read_events(*posts)
    assert () == result.rejected
    calls = stored_calls([result.batch]).items()
    outcomes = {request_id: assemble(call, price=no_price) for request_id, call in calls}
    return outcomes, [blob.content for blob in result.batch.blobs]


@pytest.mark.parametrize("plugin_id", SPELLINGS)
@pytest.mark.parametrize("name", NAMES)
def test_recorded_response_becomes_the_call_that_it_tells(shared_fixtures: Path, name: str, plugin_id: str) -> None:
    """
    Text, tools, tokens, model, finish reason and images.
    """
    for exchange in exchanges(shared_fixtures, name):
        said = what_it_says(exchange)
        outcomes, media = assembled(plugin_id, exchange)
        call = outcomes["r1"].call
        # A preview is the beginning of the text.
        assert (said.response_model, said.text[:500] or None) == (call.response_model, call.answer_preview)
        assert said.finish_reasons == [call.finish_reason]
        assert said.tool_calls == [(one.tool_call_id, one.tool_name, one.arguments) for one in outcomes["r1"].tool_calls]
        details = (said.usage.get("input_tokens_details.cached_tokens"), said.usage.get("output_tokens_details.reasoning_tokens"))
        assert (said.usage["input_tokens"], said.usage["output_tokens"]) == (call.usage.input_tokens, call.usage.output_tokens)
        assert details == (call.usage.cache_read_tokens, call.usage.reasoning_tokens)
        images = [outcome.call for request_id, outcome in outcomes.items() if request_id != "r1"]
        assert len(said.images) == len(media) == sum(image.image_count for image in images)
        assert ["ok"] * len(images) == [image.status for image in images]


def test_recorded_stream_has_its_pieces(shared_fixtures: Path) -> None:
    """
    One chunk a delta, the first of them counted from the start.
    """
    (exchange,) = exchanges(shared_fixtures, "responses_create_streaming")
    outcomes, _ = assembled("openai", exchange)
    deltas = [frame for frame in exchange.frames if frame["type"].endswith(".delta")]

    assert ["r1"] == list(outcomes)
    assert (len(deltas), "This is a test.", 40) == (
        outcomes["r1"].call.chunk_count,
        outcomes["r1"].call.answer_preview,
        outcomes["r1"].call.time_to_first_chunk_ms,
    )
