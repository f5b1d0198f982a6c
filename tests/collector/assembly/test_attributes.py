"""
Names, kinds and attributes of spans.
"""

import json
from typing import Any

import pytest

from collector.spans import Span
from tests.collector.assembly.stored import assembled, attributes, chunk, completed, event, started


def span_of(activity: str, **payload: Any) -> Span:
    return assembled(started(0, activity, **payload), completed(100, activity, duration=100)).spans[0]


@pytest.mark.parametrize(
    ("activity", "name", "output_type"),
    [
        ("text", "chat gpt-4o", None),
        ("embedding", "embeddings gpt-4o", None),
        ("image", "image_generation gpt-4o", "image"),
        ("speech", "text_to_speech gpt-4o", "speech"),
        ("transcription", "speech_to_text gpt-4o", "text"),
        ("video", "video_generation gpt-4o", "video"),
        ("summarize", "summarize gpt-4o", "text"),
        ("rerank", "rerank gpt-4o", "json"),
        ("moderation", "moderation gpt-4o", "json"),
    ],
)
def test_name_kind_and_operation_of_each_activity(activity: str, name: str, output_type: str | None) -> None:
    """`{operation} {model}`, CLIENT."""
    span = span_of(activity)

    assert (name, True, name.split()[0]) == (span.name, span.is_client, span.attributes["gen_ai.operation.name"])
    assert output_type == span.attributes.get("gen_ai.output.type")


def test_an_agent_run_is_named_after_its_agent_and_internal() -> None:
    """`invoke_agent {agent}`; without a name the operation alone."""
    named, nameless = span_of("agent", agentName="planner", model=None), span_of("agent")

    assert ("invoke_agent planner", False, "planner") == (named.name, named.is_client, named.attributes["gen_ai.agent.name"])
    assert "invoke_agent" == nameless.name


@pytest.mark.parametrize(
    ("request_type", "operation"), [("create", "video_generation"), ("status", "video_poll"), ("url", "video_poll")]
)
def test_video_polls_are_an_operation_of_their_own(request_type: str, operation: str) -> None:
    """They are many and short, and would spoil the percentiles of what makes a video."""
    assert operation == span_of("video", requestType=request_type).attributes["gen_ai.operation.name"]


def test_what_the_request_says() -> None:
    """Under the conventions' names and types, whichever way the SDK spells them."""
    options = {"temperature": 1, "topP": 0.5, "max_completion_tokens": 64, "seed": 7, "n": 2, "stop": ["a", "b"], "top_k": 40}
    found = attributes(
        assembled(
            started(modelOptions=options, streaming=True, threadId="t1", clientId="web", api="responses"),
            completed(100, responseId="resp-1", responseModel="gpt-4o-x", finishReason="stop", usage={"cost": 0.5}),
        )
    )

    expected = {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.temperature": 1.0,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.seed": 7,
        "gen_ai.request.top_k": 40,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.stop_sequences": ["a", "b"],
        "gen_ai.request.stream": True,
        "gen_ai.conversation.id": "t1",
        "gen_ai.response.id": "resp-1",
        "gen_ai.response.model": "gpt-4o-x",
        "gen_ai.response.finish_reasons": ["stop"],
        "openai.api.type": "responses",
        "hookline.request_id": "req-1",
        "hookline.client_id": "web",
        "hookline.cost_usd": 0.5,
    }
    assert expected.items() <= found.items()
    assert isinstance(found["gen_ai.request.temperature"], float)


def test_what_is_not_known_is_not_there() -> None:
    """No None, no guess: but for the provider, which is required."""
    found = attributes(assembled(completed(100)))

    expected = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "unknown", "hookline.request_id": "req-1"}
    assert expected == found


def test_one_choice_and_no_streaming_are_not_mentioned() -> None:
    """The conventions want the count if it isn't 1, and stream only when it streams."""
    found = attributes(assembled(started(modelOptions={"n": 1}, streaming=False), completed(100)))

    assert not {"gen_ai.request.choice.count", "gen_ai.request.stream"} & found.keys()


def test_finish_reasons_of_all_choices_and_of_failures() -> None:
    """Several choices have several; a chat that failed before it had one has `error`."""
    several = assembled(started(), completed(100, finishReason="stop", finishReasons=["stop", None, "length"]))
    failed = assembled(started(), event("text:request:error", 100, error="x"))

    assert ["stop", "length"] == attributes(several)["gen_ai.response.finish_reasons"]
    assert (["error"], None) == (attributes(failed)["gen_ai.response.finish_reasons"], failed.call.finish_reason)


CONTENT = {"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions"}


def test_content_stays_off_spans_unless_asked_for() -> None:
    """Prompts and answers are in SQL, where access is ours."""
    events = (
        started(messages=[{"role": "user", "content": "hi"}], systemPrompts=["be terse"], options={"tools": [{"name": "t"}]}),
        chunk(10, "hello"),
        completed(100, finishReason="stop"),
    )

    assert not CONTENT & attributes(assembled(*events)).keys()
    found = {key: json.loads(attributes(assembled(*events, capture_content=True))[key]) for key in CONTENT}
    assert [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}] == found["gen_ai.input.messages"]
    assert [{"type": "text", "content": "be terse"}] == found["gen_ai.system_instructions"]
    assert [{"name": "t"}] == found["gen_ai.tool.definitions"]
    answer = {"role": "assistant", "parts": [{"type": "text", "content": "hello"}], "finish_reason": "stop"}
    assert [answer] == found["gen_ai.output.messages"]
