"""
Answers of providers that speak an SDK's language with an accent: contents that are lists, thoughts under names of their own.
"""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
from openai.types.chat import ChatCompletion

from sdk_hooks import instrument, losses
from tests.sdk_hooks.hooks.capture import Capture

HEAD = {"id": "c-1", "created": 1, "model": "magistral-small"}
PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Hello"}]


def answering(answer: Any) -> httpx2.Client:
    """A client of a provider that has one answer: an object, or the chunks of a stream."""
    if isinstance(answer, list):
        frames = "".join(
            f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" if "type" in one else f"data: {json.dumps(one)}\n\n"
            for one in answer
        )
        return _client(frames + ("" if "type" in answer[0] else "data: [DONE]\n\n"), "text/event-stream")
    return _client(json.dumps(answer), "application/json")


def _client(body: str, kind: str) -> httpx2.Client:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": kind}, content=body.encode())

    return httpx2.Client(transport=httpx2.MockTransport(answer))


def asked_of_openai(answer: Any, *, is_stream: bool = False) -> Any:
    client = instrument(openai.OpenAI(api_key="none", base_url="http://provider/v1", http_client=answering(answer)))
    messages: Any = [{"role": "user", "content": "Hi"}]
    if is_stream:
        return [*client.chat.completions.create(model="m", messages=messages, stream=True)]
    return client.chat.completions.create(model="m", messages=messages)


def test_content_that_is_a_list_is_recorded_as_its_text(capture: Capture) -> None:
    """
    Mistral's models that think give parts. The text of those is the content, and the thoughts are thoughts.
    """
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": PARTS}}
    answer = asked_of_openai(HEAD | {"object": "chat.completion", "choices": [choice]})
    assert PARTS == answer.choices[0].message.content
    end = capture.only_terminal()
    assert ("Hello", "Hm.", "stop") == (end["content"], end["reasoning"], end["finishReason"])


def test_answer_that_is_an_error_is_one(capture: Capture) -> None:
    """
    Gateways say 200 and put an error where the choices should be; the host gets it as it is.
    """
    answer = asked_of_openai({"error": {"code": 502, "message": "overloaded"}})
    assert answer.choices is None
    end = capture.only_terminal()
    assert ("text:request:error", {"name": "502", "message": "overloaded"}) == (end["type"], end["error"])


def test_raw_answer_that_is_an_error_is_one(capture: Capture) -> None:
    """
    As the same answer is that the SDK has parsed.
    """
    told = {"error": {"code": 502, "message": "overloaded"}}
    client = instrument(openai.OpenAI(api_key="none", base_url="http://provider/v1", http_client=answering(told)))
    raw = client.chat.completions.with_raw_response.create(model="m", messages=[{"role": "user", "content": "Hi"}])
    assert "overloaded" in raw.text
    end = capture.only_terminal()
    assert ("text:request:error", {"name": "502", "message": "overloaded"}) == (end["type"], end["error"])


def test_answer_that_says_nothing_has_its_end(capture: Capture) -> None:
    """
    Neither choices nor an error.
    """
    asked_of_openai({"id": "c-1", "model": "m"})
    end = capture.only_terminal()
    assert ("text:request:completed", "c-1", "") == (end["type"], end["responseId"], end["content"])


def test_pieces_of_a_choice_without_a_number_are_those_of_the_only_choice(capture: Capture) -> None:
    """
    Some say no `index`, or say it in some chunks only: the text is whole, and the call has its end.
    """
    told: list[Any] = [
        {"delta": {"content": "Hel"}},
        {"index": 0, "delta": {"content": "lo"}},
        {"delta": {}, "finish_reason": "stop"},
    ]
    asked_of_openai([HEAD | {"choices": [choice]} for choice in told], is_stream=True)
    end = capture.only_terminal()
    assert ("text:request:completed", "Hello", "stop") == (end["type"], end["content"], end["finishReason"])


def test_piece_of_a_stream_that_is_a_list_costs_no_call(capture: Capture) -> None:
    """
    The same in a stream: no event is lost, and the texts are those of the parts.
    """
    deltas: list[Any] = [{"content": PARTS[:1]}, {"content": PARTS[1:]}, {"content": " world"}, {}]
    chunks = [
        HEAD | {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        for delta, finish in zip(deltas, (None, None, None, "stop"), strict=True)
    ]
    assert PARTS[1:] == asked_of_openai(chunks, is_stream=True)[1].choices[0].delta.content
    end = capture.only_terminal()
    assert ("text:request:completed", "Hello world") == (end["type"], end["content"])
    thoughts = [event for event in capture.events() if event["type"] == "text:chunk:thinking"]
    assert ["Hm."] == [piece["delta"] for event in thoughts for piece in event["chunks"]]
    assert 0 == losses()["render_failed"]


def test_thoughts_of_a_whole_answer_are_recorded(capture: Capture) -> None:
    """
    As those of a stream are: DeepSeek and vLLM call them reasoning_content, OpenRouter reasoning.
    """
    for name in ("reasoning_content", "reasoning"):
        message = {"role": "assistant", "content": "Hello", name: "Hm."}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        asked_of_openai(HEAD | {"object": "chat.completion", "choices": [choice]})
    assert [("Hello", "Hm.")] * 2 == [(end["content"], end["reasoning"]) for end in capture.terminals()]


def test_piece_of_a_stream_with_the_end_of_a_thought_and_the_beginning_of_the_answer(capture: Capture) -> None:
    """
    vLLM sends both in one where a token spans them: neither is lost, and the thought comes first.
    """
    told: list[Any] = [
        {"reasoning_content": "Well"},
        {"reasoning_content": ", yes.", "content": "Hel"},
        {"content": "lo"},
    ]
    asked_of_openai([HEAD | {"choices": [{"index": 0, "delta": delta}]} for delta in told], is_stream=True)
    packs = [event for event in capture.events() if event["type"].startswith("text:chunk:")]
    assert ["text:chunk:thinking", "text:chunk:content"] == [pack["type"] for pack in packs]
    assert ["Well, yes.", "Hello"] == ["".join(piece["delta"] for piece in pack["chunks"]) for pack in packs]
    assert "Hello" == capture.only_terminal()["content"]


def test_piece_of_an_anthropic_stream_without_text_costs_no_call(capture: Capture) -> None:
    """
    What stands behind another address may send nothing where a text should be, and a tool's input whole at its beginning.
    """
    tool = {"type": "tool_use", "id": "t1", "name": "look", "input": {"city": "Paris"}}
    events: list[Any] = [
        {"type": "message_start", "message": {"id": "m1", "type": "message", "role": "assistant", "model": "m", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": None}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": tool},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ]
    client: Any = instrument(anthropic.Anthropic(api_key="none", base_url="http://provider", http_client=answering(events)))
    assert len(events) == len([*client.messages.create(model="m", max_tokens=9, messages=[], stream=True)])
    end = capture.only_terminal()
    assert ("Hello", "tool_use") == (end["content"], end["finishReason"])
    assert [("look", '{"city": "Paris"}')] == [
        (call["function"]["name"], call["function"]["arguments"]) for call in end["toolCalls"]
    ]
    assert 0 == losses()["render_failed"]


def test_path_without_its_slash_is_the_same_call(capture: Capture) -> None:
    """
    `client.post` takes both.
    """
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}
    client = openai.OpenAI(api_key="none", base_url="http://provider/v1", http_client=answering(HEAD | {"choices": [choice]}))
    instrument(client).post("chat/completions", cast_to=ChatCompletion, body={"model": "m", "messages": []})
    assert "text:request:completed" == capture.only_terminal()["type"]


HELLO = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}


class Slowly(httpx2.SyncByteStream):
    """A body that comes in two pieces."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body[:20]
        yield self._body[20:]


def test_body_that_is_left_or_handed_on_raw_ends_its_call(capture: Capture) -> None:
    """
    Half of an answer is none, but its call is aborted; bytes that a host passes on as they come are an answer.
    """
    whole = json.dumps(HEAD | {"choices": [HELLO]}).encode()

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "application/json"}, stream=Slowly(whole))

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    client = instrument(openai.OpenAI(api_key="none", base_url="http://provider/v1", http_client=http))
    streaming = client.chat.completions.with_streaming_response
    with streaming.create(model="m", messages=[]) as left:
        assert whole[:20] == next(left.iter_bytes())
    with streaming.create(model="m", messages=[]) as raw:
        assert whole == b"".join(raw.http_response.iter_raw())
    with streaming.create(model="m", messages=[]) as read:
        assert whole == read.read()
    ends = [(end["type"], end.get("content")) for end in capture.terminals()]
    assert [("text:request:aborted", None), *[("text:request:completed", "Hello")] * 2] == ends
    assert 0 == losses()["render_failed"]
