"""
What wrapping a client adds over all threads, delivery included, to chat calls and 100-chunk streams that are really recorded.

    python -m benchmarks.client_recorded [--rounds 30] [--calls 200]

The receiver of the events is a process of its own. A hook that recorded nothing would be fastest, so the run fails unless every
call's messages, joined text and usage arrived.
"""

import argparse
import gzip
import json
import statistics
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import Pipe, Process
from typing import Any

import httpx2
from openai import OpenAI

from sdk_hooks import configure, flush, instrument, losses

MESSAGES: Any = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "Say that this is a test."}]
USAGE = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25, "prompt_tokens_details": {"cached_tokens": 4}}
HEAD = {"id": "chatcmpl-1", "created": 1, "model": "gpt-4o-2024-08-06"}
CHUNKS = 100


def answer(request: httpx2.Request) -> httpx2.Response:
    """A provider that takes no time."""
    if json.loads(request.content).get("stream"):
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=STREAM)
    return httpx2.Response(200, json=WHOLE)


WHOLE = HEAD | {
    "object": "chat.completion",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "This is a test."}}],
    "usage": USAGE,
}


def frame(choices: list[Any], usage: Any = None) -> bytes:
    body = HEAD | {"object": "chat.completion.chunk", "choices": choices, "usage": usage}
    return f"data: {json.dumps(body)}\n\n".encode()


STREAM = b"".join(
    [
        *(frame([{"index": 0, "delta": {"content": f" word{n}"}, "finish_reason": None}]) for n in range(CHUNKS)),
        frame([{"index": 0, "delta": {}, "finish_reason": "stop"}]),
        frame([], USAGE),
        b"data: [DONE]\n\n",
    ]
)
STREAMED_TEXT = "".join(f" word{n}" for n in range(CHUNKS))


class Receiver(BaseHTTPRequestHandler):
    """Counts calls whose record is whole."""

    protocol_version = "HTTP/1.1"
    started = 0
    whole = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        batch = json.loads(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
        for event in batch["events"]:
            if event["type"] == "text:request:started":
                type(self).started += event["messages"] == MESSAGES
            elif event["type"] == "text:request:completed":
                is_whole = event["content"] in ("This is a test.", STREAMED_TEXT) and event["usage"]["totalTokens"] == 25
                type(self).whole += is_whole
        self.reply({"accepted": len(batch["events"]), "duplicates": 0, "rejected": []})

    def do_GET(self) -> None:
        self.reply({"started": self.started, "whole": self.whole})

    def reply(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class names it so
        """Silent."""


def serve(port_to: Any) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    port_to.send(server.server_address[1])
    server.serve_forever()


def chat(client: OpenAI) -> None:
    client.chat.completions.create(model="gpt-4o", messages=MESSAGES, temperature=0.2)


def stream(client: OpenAI) -> None:
    chunks = client.chat.completions.create(
        model="gpt-4o", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    for _ in chunks:
        pass


def measure_us(run: Callable[[OpenAI], None], client: OpenAI, calls: int) -> tuple[float, float]:
    """Wall and own-thread CPU time of a call."""
    wall_ns, cpu_ns = time.perf_counter_ns(), time.thread_time_ns()
    for _ in range(calls):
        run(client)
    return (time.perf_counter_ns() - wall_ns) / calls / 1e3, (time.thread_time_ns() - cpu_ns) / calls / 1e3


def compare(name: str, run: Callable[[OpenAI], None], bare: OpenAI, wrapped: OpenAI, rounds: int, calls: int) -> int:
    """Interleave rounds and print the medians of the pairs' differences; returns how many calls were recorded."""
    for client in (bare, wrapped):
        measure_us(run, client, calls)
    process_ns = time.process_time_ns()
    pairs = [(measure_us(run, bare, calls), measure_us(run, wrapped, calls)) for _ in range(rounds)]
    flush(30)
    all_threads_us = (time.process_time_ns() - process_ns) / rounds / calls / 1e3
    bare_cpu = statistics.median(pair[0][1] for pair in pairs)
    added_cpu = statistics.median(pair[1][1] - pair[0][1] for pair in pairs)
    added_wall = statistics.median(pair[1][0] - pair[0][0] for pair in pairs)
    ratio = statistics.median(pair[1][1] / pair[0][1] for pair in pairs)
    whole = all_threads_us - 2 * bare_cpu
    print(
        f"{name:<22} bare {bare_cpu:8.1f} µs   added in the caller: {added_cpu:6.1f} µs CPU, {added_wall:6.1f} µs wall"
        f"   ratio {ratio:.3f}   added over all threads {whole:6.1f} µs CPU"
    )
    return (rounds + 1) * calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--calls", type=int, default=200)
    asked = parser.parse_args()
    port_here, port_there = Pipe()
    receiver = Process(target=serve, args=(port_there,), daemon=True)
    receiver.start()
    url = f"http://127.0.0.1:{port_here.recv()}"
    configure(url=url, buffer_max_events=1_000_000, buffer_max_bytes=1 << 30)
    clients = [
        OpenAI(api_key="none", base_url="http://provider/v1", http_client=httpx2.Client(transport=httpx2.MockTransport(answer)))
        for _ in range(2)
    ]
    bare, wrapped = clients[0], instrument(clients[1])
    made = compare("chat", chat, bare, wrapped, asked.rounds, asked.calls)
    made += compare(f"stream of {CHUNKS} chunks", stream, bare, wrapped, asked.rounds, max(1, asked.calls // 20))
    assert flush(60), losses()
    counts = httpx2.get(url).json()
    receiver.terminate()
    assert counts == {"started": made, "whole": made}, f"{made} calls made, recorded whole: {counts}, losses: {losses()}"
    print(f"{made} calls, each recorded with its messages, text and usage")


if __name__ == "__main__":
    main()
