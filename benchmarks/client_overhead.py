"""
What a wrapped chat call adds to a bare one: the real openai client over a mock transport, content on.

    python -m benchmarks.client_overhead [rounds]

Bare and wrapped take turns, so that a busy machine hits both; the caller's thread alone is timed (`thread_time_ns`), the
emitter runs in its own thread and delivers to nobody. Medians.
"""

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter_ns, thread_time_ns
from typing import Any

import httpx2
from openai import OpenAI

from sdk_hooks.config import Config
from sdk_hooks.recorder import Shape, as_it_is, start_call
from sdk_hooks.registry import instrument
from sdk_hooks.runtime import Runtime, use
from sdk_hooks.transport import Answer, Delivered

CALLS = 50
ANSWER: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello there."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
}
MESSAGES: list[Any] = [{"role": "system", "content": "You are kind."}, {"role": "user", "content": "Say hello to everybody."}]


class Nowhere:
    """A collector that takes everything at once."""

    def __init__(self, url: str, api_key: str | None) -> None: ...

    def post(self, body: bytes, *, is_gzip: bool, timeout_s: float) -> Answer:
        return Delivered({})

    def close(self) -> None: ...

    def abandon(self) -> None: ...


def client() -> OpenAI:
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, json=ANSWER))
    return OpenAI(api_key="none", base_url="http://localhost/v1", http_client=httpx2.Client(transport=transport))


def timed_us(call: Callable[[], object], times: int) -> float:
    began_ns = thread_time_ns()
    for _ in range(times):
        call()
    return (thread_time_ns() - began_ns) / times / 1000


def chunk_us() -> float:
    """A chunk as a hook appends it."""
    call = start_call(Shape("text", as_it_is, as_it_is), {}, provider="openai", model="m", streaming=True)
    assert call is not None
    append = call.append

    def one() -> None:
        append(perf_counter_ns())
        append("token")

    cost_us = timed_us(one, 10_000)
    call.complete()
    return cost_us


def main(rounds: int) -> None:
    runtime = Runtime(Config({}), connect=Nowhere)
    use(runtime)
    bare, wrapped = client(), instrument(client())
    both: dict[str, list[float]] = {"bare": [], "wrapped": []}
    chunks: list[float] = []
    for _ in range(rounds):
        for name, one in (("bare", bare), ("wrapped", wrapped)):
            both[name].append(timed_us(lambda one=one: one.chat.completions.create(model="gpt-5", messages=MESSAGES), CALLS))
        chunks.append(chunk_us())
    bare_us, wrapped_us = median(both["bare"]), median(both["wrapped"])
    print(f"bare     {bare_us:8.1f} µs a call")
    print(f"wrapped  {wrapped_us:8.1f} µs a call")
    print(f"added    {wrapped_us - bare_us:8.1f} µs a call, ratio {wrapped_us / bare_us:.3f}")
    print(f"chunk    {median(chunks):8.2f} µs")
    print(f"lost     {sum(runtime.losses.snapshot().values()):8d}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
