"""What is recorded of google-genai's calls: usage, tools, thoughts, pictures, Vertex AI, and what never was sent."""

import asyncio
import gc
import json
from typing import Any

import pytest
from google.genai import Client

from collector.demo.provider import Provider
from sdk_hooks import instrument, uninstrument
from sdk_hooks.config import Layer
from sdk_hooks.hooks import google_genai
from sdk_hooks.hooks.google_genai_answers import StreamRead, completed, read_text, token_usage
from sdk_hooks.hooks.google_genai_shapes import kind_of, model_of, started_text
from sdk_hooks.registry import HOOKS, row_of
from tests.sdk_hooks.hooks import google_genai_patterns as patterns
from tests.sdk_hooks.hooks.capture import Capture, capturing
from tests.sdk_hooks.hooks.google_genai_patterns import MODEL, asking

pytestmark = pytest.mark.filterwarnings("ignore:The generate_images method:Warning", "ignore::DeprecationWarning")


def test_whole_answer_has_text_model_usage_and_reason(provider: Provider, capture: Capture) -> None:
    """Counts with their totals; cached ones are part of the input, the provider's own stay beside them."""
    client = instrument(patterns.make_sync(provider.base_url))
    answer = client.models.generate_content(**asking("Hello", system_instruction="Be short", temperature=0.1))
    [started], ended = capture.started(), capture.only_terminal()

    assert [{"role": "user", "content": "Hello"}] == started["messages"]
    assert ["Be short"] == started["systemPrompts"]
    assert {"generationConfig": {"temperature": 0.1}} == started["modelOptions"]
    assert ("gcp.gemini", MODEL) == (started["provider"], started["model"])
    assert (answer.text, "stop") == (ended["content"], ended["finishReason"])
    assert (f"{MODEL}-001", "resp_fake") == (ended["responseModel"], ended["responseId"])
    told: Any = answer.usage_metadata
    assert told.prompt_token_count == ended["usage"]["promptTokens"]
    assert told.total_token_count == ended["usage"]["totalTokens"]
    assert told.cached_content_token_count == ended["usage"]["promptTokensDetails"]["cachedTokens"]


def test_stream_is_the_same_call_in_pieces(provider: Provider, capture: Capture) -> None:
    """Thoughts, text and a picture; the last count and the reason, wherever in the stream they stood."""
    client = instrument(patterns.make_sync(provider.base_url))
    chunks = list(client.models.generate_content_stream(**asking(response_modalities=["TEXT", "IMAGE"], **patterns.THINKING)))
    ended = capture.only_terminal()
    deltas = {
        kind: "".join(piece["delta"] for event in capture.events() if event["type"] == kind for piece in event["chunks"])
        for kind in ("text:chunk:content", "text:chunk:thinking")
    }

    assert "".join(chunk.text or "" for chunk in chunks) == ended["content"] == deltas["text:chunk:content"]
    assert "Let me think about it first." == deltas["text:chunk:thinking"]
    assert {"reasoningTokens": 7} == ended["usage"]["completionTokensDetails"]
    assert "stop" == ended["finishReason"]
    assert ended["timeToFirstChunk"] > 0
    assert ["image/png"] == [image["mediaType"] for image in ended["images"]]


@pytest.mark.parametrize("is_stream", [False, True])
def test_tools_keep_apart_though_they_have_no_ids(is_stream: bool, provider: Provider, capture: Capture) -> None:
    """Two calls of the same function are two tool calls."""
    client = instrument(patterns.make_sync(provider.base_url))
    if is_stream:
        list(client.models.generate_content_stream(**asking("[tools:2]", tools=[patterns.TOOL])))
    else:
        client.models.generate_content(**asking("[tools:2]", tools=[patterns.TOOL]))
    calls = capture.only_terminal()["toolCalls"]

    assert ["look_up"] == capture.started()[0]["toolNames"]
    assert [("look_up", '{"city": "Paris"}')] * 2 == [(c["function"]["name"], c["function"]["arguments"]) for c in calls]
    assert 2 == len({call["id"] for call in calls})


def test_automatic_function_calling_is_a_call_each_time_the_model_is_asked(provider: Provider, capture: Capture) -> None:
    """The second has the function's result; what the host gets back does not change."""
    client = instrument(patterns.make_sync(provider.base_url))
    answer = client.models.generate_content(model=MODEL, contents="Hello", config={"tools": [look_up]})
    first, second = capture.started()

    assert answer.text
    assert 1 == first["messageCount"]
    assert ["user", "assistant", "tool"] == [message["role"] for message in second["messages"]]
    assert "look_up" == second["messages"][1]["toolCalls"][0]["function"]["name"]
    assert 2 == len(capture.terminals())


def look_up(city: str) -> str:
    """Says what is known of a city."""
    return f"{city} is known"


def test_vertex_makes_pictures_and_embeddings_on_one_path(provider: Provider, capture: Capture) -> None:
    """What was asked for tells which it is."""
    client = instrument(patterns.make_vertex(provider.base_url))
    client.models.generate_images(model="imagen-4", prompt="a boat", config={"number_of_images": 2})
    client.models.embed_content(model="text-embedding-004", contents=["one", "two"])
    drawn, embedded = capture.terminals()

    assert {"gcp.vertex_ai"} == {event["provider"] for event in capture.events()}
    assert ("image:request:completed", 2) == (drawn["type"], len(drawn["images"]))
    assert ("imagen-4", "a boat", 2) == (drawn["model"], capture.started()[0]["prompt"], capture.started()[0]["numberOfImages"])
    assert ("embedding:request:completed", 2, 8) == (embedded["type"], embedded["embeddingCount"], embedded["dimensions"])
    assert embedded["usage"]["promptTokens"] > 0


def test_stream_that_is_never_read_was_never_sent(provider: Provider, capture: Capture) -> None:
    """No request, so no call: sync and async."""
    client = instrument(patterns.make_sync(provider.base_url))
    before = len(provider.seen)
    client.models.generate_content_stream(**asking())

    async def never_read() -> None:
        await client.aio.models.generate_content_stream(**asking())

    asyncio.run(never_read())
    gc.collect()
    assert [] == capture.events()
    assert before == len(provider.seen)


def test_stream_kept_after_a_break_may_go_on(provider: Provider, capture: Capture) -> None:
    """A generator that somebody holds is not left; read on to the end it is one completed call."""
    client = instrument(patterns.make_sync(provider.base_url))
    stream = client.models.generate_content_stream(**asking())
    for _ in stream:
        break
    assert [] == capture.terminals()
    rest = list(stream)
    assert rest
    assert "text:request:completed" == capture.only_terminal()["type"]


def test_hook_goes_on_once_and_comes_off(provider: Provider, capture: Capture) -> None:
    """Twice instrumented is one record; taken off, nothing of ours is left on the client."""
    client = patterns.make_sync(provider.base_url)
    bare = set(vars(client._api_client))  # pyright: ignore[reportPrivateUsage]
    assert client is instrument(instrument(client))
    client.models.generate_content(**asking())
    assert 2 == len(capture.events())
    assert client is uninstrument(client)
    client.models.generate_content(**asking())
    assert 2 == len(capture.events())
    assert bare == set(vars(client._api_client))  # pyright: ignore[reportPrivateUsage]


def test_every_client_from_now_on(provider: Provider, capture: Capture) -> None:
    """Without a client: those that are made afterwards, until it is undone."""
    google_genai.instrument_all(Layer({}))
    client = patterns.make_sync(provider.base_url)
    client.models.generate_content(**asking())
    google_genai.uninstrument_all()
    client.models.generate_content(**asking())
    later = patterns.make_sync(provider.base_url)
    later.models.generate_content(**asking())
    assert "text:request:completed" == capture.only_terminal()["type"]


def test_headers_of_the_host_are_not_recorded(provider: Provider, capture: Capture) -> None:
    """Keys travel in options and headers, and those are never looked at."""
    client = instrument(patterns.make_sync(provider.base_url))
    client.models.generate_content(**asking(http_options={"headers": {"x-secret": "very-secret"}}))
    assert "very-secret" not in str(capture.events())
    assert "not-a-key" not in str(capture.events())


def test_counts_are_totals() -> None:
    """Tools' tokens are input, thoughts are output; a count of zero that Google leaves out is known from the total."""
    usage = {
        "promptTokenCount": 10,
        "toolUsePromptTokenCount": 5,
        "thoughtsTokenCount": 3,
        "candidatesTokenCount": 4,
        "totalTokenCount": 22,
    }
    told = token_usage(usage)
    assert (15, 7, 22) == (told["promptTokens"], told["completionTokens"], told["totalTokens"])
    assert 0 == token_usage({"promptTokenCount": 10, "totalTokenCount": 10})["completionTokens"]
    assert {} == token_usage(None)


def test_what_a_stream_says_beside_its_pieces() -> None:
    """
    Pictures, the last counts, the reason it ended; as text or as bytes, and from the last body alone where no other was read.
    """
    picture = {"inlineData": {"mimeType": "image/png", "data": "iVBO"}}
    bodies = [
        {"responseId": "r", "candidates": [{"content": {"parts": [{"text": 'says "finishReason"'}]}}], "usageMetadata": {"x": 1}},
        {"responseId": "r", "candidates": [{"content": {"parts": [picture]}}], "usageMetadata": {"promptTokenCount": 3}},
        {"responseId": "r", "candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 4}},
    ]
    for encode in (str, str.encode):
        read, finished = StreamRead(), []
        for body in bodies:
            read.last = encode(json.dumps(body))
            assert len(list(read.pieces(read.last))) == (1 if body is bodies[0] else 0)
            finished.append(read.has_finished())
        fields, usage = read.answer()
        assert ("stop", [{"b64Json": "iVBO", "mediaType": "image/png"}]) == (fields["finishReason"], fields["images"])
        assert {"promptTokenCount": 4} == usage
        assert [False, False, encode is str] == finished
    unread = StreamRead()
    unread.last = json.dumps(bodies[2])
    fields, usage = unread.answer()
    assert ({"responseId": "r", "finishReason": "stop"}, {"promptTokenCount": 4}) == (fields, usage)
    assert ({}, None) == StreamRead().answer()


def test_refused_prompt_says_why() -> None:
    """Nothing was generated: the reason is that of the prompt's feedback."""
    assert "safety" == completed(read_text({"promptFeedback": {"blockReason": "SAFETY"}}))["finishReason"]


def test_odd_answers_and_requests_are_read_as_far_as_they_go() -> None:
    """A record is never lost to a shape that nobody foresaw."""
    for odd in ({}, {"candidates": None}, {"candidates": [None, {"content": []}]}, {"candidates": [{"content": {"parts": [3]}}]}):
        assert "" == completed(read_text(odd))["content"]
    assert 0 == started_text({"contents": [None, 3]})["messageCount"]
    assert 0 == started_text(None)["messageCount"]


def test_paths_tell_the_model_and_what_is_no_call() -> None:
    """Token counts, files and batches are not recorded."""
    assert "gemini-2.5-flash" == model_of("publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse")
    assert "tunedModels/mine" == model_of("tunedModels/mine:generateContent")
    assert kind_of("models/gemini-2.5-flash:countTokens", {}) is None
    assert kind_of("models/gemini-2.5-flash:batchGenerateContent", {}) is None


def test_only_its_own_part_of_a_shared_package_is_its_own() -> None:
    """Other packages live under `google` too."""
    ours = type("Client", (), {"__module__": "google.genai.client"})
    theirs = type("Client", (), {"__module__": "google.cloud.storage"})
    close = type("Client", (), {"__module__": "google.genai_extras"})
    assert HOOKS["google-genai"] == row_of(ours())
    assert row_of(theirs()) is None
    assert row_of(close()) is None


def test_type_of_the_client_stays() -> None:
    """Nothing is wrapped that a host could look at."""
    client = patterns.make_sync("http://127.0.0.1:1/v1")
    with capturing():
        assert Client is type(instrument(client))
        assert "generate_content" not in vars(client.models)
