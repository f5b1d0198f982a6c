"""
However a host reads an openai stream, the same is recorded: `for` has a loop of its own, `next` and `async for` have others.
"""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI, OpenAI

from sdk_hooks import instrument, losses
from tests.sdk_hooks.hooks.capture import Capture

HEAD = {"id": "c-1", "created": 1, "model": "gpt-4o", "object": "chat.completion.chunk"}
ASKED: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "stream": True}


def chunk(delta: Any, finish: str | None = None, **other: Any) -> dict[str, Any]:
    return HEAD | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish} | other]}


def tool(arguments: str, **first: Any) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": first.pop("name")} if first else {})}
    return {"tool_calls": [{"index": 0, "function": function, **first}]}


USAGE = {"usage": {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}}
END = [chunk({}, "stop"), HEAD | {"choices": []} | USAGE]
STREAMS: dict[str, list[dict[str, Any]]] = {
    "text": [chunk({"role": "assistant", "content": ""}), chunk({"content": "Hel"}), chunk({"content": "lo"}), *END],
    "text from the first chunk": [chunk({"content": "Hel"}), chunk({"content": "lo"}), *END],
    "model told late": [{**chunk({"content": "Hel"}), "model": ""}, chunk({"content": "lo"}), *END],
    "model never told": [{**chunk({"content": text}), "model": ""} for text in ("Hel", "lo")] + END[:1],
    "text with its end": [chunk({"content": "Hello"}, "length")],
    "the last text with its end": [chunk({"content": "Hel"}), chunk({"content": "lo"}, "length")],
    "the last text with its end, then usage": [chunk({"content": "Hel"}), chunk({"content": "lo"}, "length"), END[1]],
    "an end with every text": [chunk({"content": "Hel"}, "stop"), chunk({"content": "lo"}, "stop")],
    "usage with every text": [chunk({"content": text}) | USAGE for text in ("Hel", "l", "o")],
    "tools": [chunk(tool("", id="t-1", name="look")), chunk(tool('{"a":')), chunk(tool("1}")), chunk({}, "tool_calls")],
    "text beside a tool": [chunk({"content": "Hm"}), chunk({"content": ".", **tool("{}", id="t-1", name="look")}), *END],
    "thoughts": [
        chunk({"reasoning_content": "Hm"}),
        chunk({"reasoning_content": ".", "content": "Hel"}),
        chunk({"content": "lo"}),
        *END,
    ],
    "no thoughts with every text": [chunk({"content": text, "reasoning_content": None}) for text in ("Hel", "lo")] + END,
    "members of a provider's own": [chunk({"content": "Hel", "x": 1}), chunk({"content": "lo", "x": 2}), *END],
    "two choices": [
        chunk({"content": "a"}),
        chunk({"content": "b"}, index=1),
        HEAD | {"choices": [{"index": number, "delta": {"content": "."}, "finish_reason": None} for number in (0, 1)]},
        chunk({}, "stop"),
        chunk({}, "stop", index=1),
    ],
    "parts": [chunk({"content": [{"type": "text", "text": "Hel"}]}), chunk({"content": "lo"}), *END],
    "refused": [chunk({"refusal": "No"}), chunk({"refusal": "."}), *END],
    "no index": [HEAD | {"choices": [{"delta": {"content": text}}]} for text in ("Hel", "lo")] + END,
    "no delta": [HEAD | {"choices": [{"index": 0, "finish_reason": None}]}, chunk({"content": "Hello"}), *END],
    "an error": [chunk({"content": "Hel"}), chunk({}, "error", error={"code": "busy", "message": "later"})],
    "nothing": [],
}


def body_of(name: str) -> bytes:
    return "".join(f"data: {json.dumps(one)}\n\n" for one in STREAMS[name]).encode() + b"data: [DONE]\n\n"


def answering(body: bytes) -> httpx2.MockTransport:
    return httpx2.MockTransport(lambda request: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body))


def by_loop(body: bytes) -> list[Any]:
    http = httpx2.Client(transport=answering(body))
    return [*instrument(OpenAI(api_key="none", base_url="http://p/v1", http_client=http)).chat.completions.create(**ASKED)]


def by_step(body: bytes) -> list[Any]:
    http = httpx2.Client(transport=answering(body))
    stream: Any = instrument(OpenAI(api_key="none", base_url="http://p/v1", http_client=http)).chat.completions.create(**ASKED)
    items: list[Any] = []
    while True:
        try:
            items.append(next(stream))
        except StopIteration:
            return items


async def by_async_loop(body: bytes) -> list[Any]:
    http = httpx2.AsyncClient(transport=answering(body))
    client = instrument(AsyncOpenAI(api_key="none", base_url="http://p/v1", http_client=http))
    stream: AsyncIterator[Any] = await client.chat.completions.create(**ASKED)
    return [item async for item in stream]


def told(capture: Capture) -> list[Any]:
    """What was recorded, without what differs from call to call."""
    differing = {"requestId", "streamId", "eventId", "sequence", "timestamp", "duration", "timeToFirstChunk", "chunks"}
    return [
        {name: value for name, value in event.items() if name not in differing}
        | {"chunks": [piece["delta"] for piece in event.get("chunks", ())]}
        for event in capture.events()
    ]


@pytest.mark.parametrize("name", STREAMS)
async def test_same_is_recorded_however_it_is_read(name: str, capture: Capture) -> None:
    """
    Items and events of the three ways are alike, and nothing was lost of them on the way.
    """
    body = body_of(name)
    ways: dict[str, Callable[[bytes], Any]] = {"loop": by_loop, "step": by_step, "async loop": by_async_loop}
    read: dict[str, Any] = {}
    recorded: dict[str, Any] = {}
    for way, reading in ways.items():
        items = reading(body)
        read[way] = [item.to_dict() for item in (items if way != "async loop" else await items)]
        seen = sum(map(len, recorded.values()))
        recorded[way] = told(capture)[seen:]
    assert len(STREAMS[name]) == len(read["loop"])
    assert read["loop"] == read["step"] == read["async loop"]
    assert recorded["loop"] == recorded["step"] == recorded["async loop"]
    assert ["started", recorded["loop"][-1]["type"].rsplit(":")[-1]] == [
        event["type"].rsplit(":")[-1] for event in recorded["loop"] if ":request:" in event["type"]
    ]
    assert not any(losses().values())


def test_stream_that_is_left_after_its_first_text_says_who_answered(capture: Capture) -> None:
    """
    Model and id are read with the first chunk, though it is a common one.
    """
    http = httpx2.Client(transport=answering(body_of("text from the first chunk")))
    stream: Any = instrument(OpenAI(api_key="none", base_url="http://p/v1", http_client=http)).chat.completions.create(**ASKED)
    for _ in stream:
        break
    end = capture.only_terminal()
    assert ("text:request:aborted", "gpt-4o", "c-1", "Hel") == (
        end["type"],
        end["responseModel"],
        end["responseId"],
        end["content"],
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("usage with every text", ("text:request:aborted", "Hell", None, 5)),
        ("the last text with its end, then usage", ("text:request:completed", "Hello", "length", None)),
    ],
)
def test_stream_that_is_left_has_what_its_last_text_said(name: str, said: tuple[Any, ...], capture: Capture) -> None:
    """
    Usage and the finish reason of the last chunk that was read, though nothing came after it.
    """
    http = httpx2.Client(transport=answering(body_of(name)))
    stream: Any = instrument(OpenAI(api_key="none", base_url="http://p/v1", http_client=http)).chat.completions.create(**ASKED)
    for number, _ in enumerate(stream, 1):
        if number == 2:
            break
    end = capture.only_terminal()
    assert said == (end["type"], end["content"], end.get("finishReason"), end.get("usage", {}).get("totalTokens"))


def test_error_told_before_the_finish_reason_is_the_calls(capture: Capture) -> None:
    """
    A choice may say its error in one chunk and that it ended with one in the next.
    """
    told = [chunk({"content": "Hel"}), chunk({}, error={"code": "busy", "message": "later"}), chunk({}, "error")]
    by_loop("".join(f"data: {json.dumps(one)}\n\n" for one in told).encode())
    end = capture.only_terminal()
    assert ("text:request:error", {"name": "busy", "message": "later"}) == (end["type"], end["error"])
