"""
The demo's host application: a real openai client, wrapped, inside the application's own OpenTelemetry span.

Flow: openai client -> bundled provider; its events -> `sdk_hooks` -> the collector at `collector_url`.
It uses `sdk_hooks` as any user would. Its own spans go where OTEL_EXPORTER_OTLP_ENDPOINT says, if it says something.
"""

import json
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from collector.demo.provider import start_provider
from sdk_hooks import configure, flush, instrument, observe, session, uninstrument

if TYPE_CHECKING:
    from openai import OpenAI
    from opentelemetry.trace import Tracer

SERVICE = "demo-shop"
WEATHER_TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city now",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def run_scenario(*, collector_url: str, api_key: str | None, on_step: Callable[[str], None]) -> None:
    """Make every kind of call once and wait until the collector has their events. `on_step` hears what was done."""
    from openai import OpenAI

    with _service_named(), start_provider() as provider, _host_tracer() as tracer:
        configure(url=collector_url)
        if api_key:
            configure(api_key=api_key)
        client = instrument(OpenAI(base_url=provider.base_url, api_key="not-a-key"), client_id="demo", tags={"scenario": "demo"})
        try:
            with session(session_id="demo-session", thread_id="demo-thread", user_id="ada"):
                for step in STEPS:
                    with tracer.start_as_current_span(f"POST /{step.__name__}"):
                        step(client)
                    on_step(str(step.__doc__))
            if not flush(timeout=10.0):
                on_step("not every event could be delivered in 10 s")
        finally:
            uninstrument(client)


def chat(client: "OpenAI") -> None:
    """plain chat"""
    client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "What is the capital of France?"}], temperature=0.2
    )


def assistant(client: "OpenAI") -> None:
    """streamed chat with a tool call, and the tool run"""
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
    with observe("weather assistant", input=messages[0]["content"]) as run:
        calls = _read_tool_calls(_stream_chat(client, messages))
        messages.append({"role": "assistant", "content": None, "tool_calls": calls})
        for call in calls:
            with observe(
                call["function"]["name"], kind="tool", tool_call_id=call["id"], input=call["function"]["arguments"]
            ) as tool:
                tool.output = {"sky": "sunny", "celsius": 21}
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": json.dumps(tool.output)})
        answer = [chunk.choices[0].delta.content or "" for chunk in _stream_chat(client, messages) if chunk.choices]
        run.output = "".join(answer)


def _stream_chat(client: "OpenAI", messages: list[Any]) -> Iterator[Any]:
    return iter(
        client.chat.completions.create(
            model="gpt-4o", messages=messages, tools=[WEATHER_TOOL], stream=True, stream_options={"include_usage": True}
        )
    )


def _read_tool_calls(chunks: Iterator[Any]) -> list[Any]:
    """Put the streamed pieces of tool calls together, as every application must."""
    calls: dict[int, Any] = {}
    for chunk in chunks:
        for piece in chunk.choices[0].delta.tool_calls or () if chunk.choices else ():
            empty = {"id": piece.id, "type": "function", "function": {"name": piece.function.name, "arguments": ""}}
            calls.setdefault(piece.index, empty)["function"]["arguments"] += piece.function.arguments
    return list(calls.values())


def search(client: "OpenAI") -> None:
    """embeddings"""
    client.embeddings.create(model="text-embedding-3-small", input=["a red bicycle", "a blue bicycle"], dimensions=64)


def picture(client: "OpenAI") -> None:
    """an image"""
    client.images.generate(model="gpt-image-1", prompt="a red bicycle on a beach", size="1024x1024")


def poster(client: "OpenAI") -> None:
    """a Responses stream that makes an image on its way"""
    with client.responses.stream(
        model="gpt-5",
        input="Draw a poster for the bicycle sale",
        tools=[{"type": "image_generation"}],
        reasoning={"effort": "low"},
    ) as events:
        events.until_done()


def mistake(client: "OpenAI") -> None:
    """an error: a model that does not exist"""
    from openai import NotFoundError

    with suppress(NotFoundError):
        client.chat.completions.create(model="no-such-model", messages=[{"role": "user", "content": "Anybody there?"}])


def change_of_mind(client: "OpenAI") -> None:
    """a stream left early"""
    stream = client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Tell me everything [words:200] [slow:2]"}], stream=True
    )
    with stream:
        for number, _ in enumerate(stream):
            if number == 5:
                break


def trip(client: "OpenAI") -> None:
    """an agent whose tool makes a model call of its own"""

    @observe("ask_local_guide", kind="tool")
    def ask_local_guide(city: str) -> str:
        answer = client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": f"One sight in {city}, please"}]
        )
        return answer.choices[0].message.content or ""

    with observe("trip planner", input="A day in Paris") as run:
        plan = client.responses.create(model="gpt-4o", instructions="You plan trips.", input="A day in Paris")
        sight = ask_local_guide("Paris")
        run.output = f"{plan.output_text} {sight}"


STEPS: tuple[Callable[["OpenAI"], None], ...] = (chat, assistant, search, picture, poster, mistake, change_of_mind, trip)


@contextmanager
def _service_named() -> Generator[None]:
    """Give this application a name, unless the user has given it one: both the spans and the events carry it."""
    if os.environ.get("OTEL_SERVICE_NAME"):
        yield
        return
    os.environ["OTEL_SERVICE_NAME"] = SERVICE
    try:
        yield
    finally:
        del os.environ["OTEL_SERVICE_NAME"]


@contextmanager
def _host_tracer() -> Generator["Tracer"]:
    """The application's own tracing, set up with the standard SDK."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    tracing = TracerProvider()
    if os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        tracing.add_span_processor(BatchSpanProcessor(_otlp_exporter()))
    try:
        yield tracing.get_tracer("demo")
    finally:
        tracing.shutdown()


def _otlp_exporter() -> Any:
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter

        return GrpcExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter

    return HttpExporter()
