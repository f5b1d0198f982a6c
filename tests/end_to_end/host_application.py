"""
A host application: a real openai client, wrapped, inside the host's own OpenTelemetry span. Run as a script by the tests.

Prints one line of JSON: the host span's ids and how many calls it made.
"""

import json

from openai import OpenAI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from collector.demo.provider import start_provider
from sdk_hooks import flush, instrument, observe


def main() -> None:
    trace.set_tracer_provider(TracerProvider())
    with start_provider() as provider, trace.get_tracer("host").start_as_current_span("handle request") as span:
        client = instrument(OpenAI(base_url=provider.base_url, api_key="not-a-key"))
        question = [{"role": "user", "content": "Hello"}]
        client.chat.completions.create(model="gpt-4o", messages=question)  # pyright: ignore
        client.embeddings.create(model="text-embedding-3-small", input="Hello")

        @observe(kind="tool", name="look_up")
        def look_up() -> str:
            return "sunny"

        with observe(kind="agent", name="weather"):
            client.chat.completions.create(model="gpt-4o-mini", messages=question)  # pyright: ignore
            look_up()
        assert flush(timeout=100)
        ids = span.get_span_context()
    print(json.dumps({"trace_id": f"{ids.trace_id:032x}", "span_id": f"{ids.span_id:016x}", "request_count": 4}))


if __name__ == "__main__":
    main()
