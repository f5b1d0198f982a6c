"""
Other libraries that record openai's calls, each in an environment of its own, delivering to the same receiver as we do.

Flow: client_overhead --peers (makes the environments) -> client_worker in them -> **peer** -> client_receiver.
Each is set up as its own documentation says, with content where it can and its usual batching.
"""

import os
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

Deliver = Callable[[], object]


class Peer(NamedTuple):
    """
    `begin` runs before the client is made and gives what delivers everything; `wrap` is for those that take the client.

    `loaded` is what a host imports for it, beside openai.
    """

    packages: tuple[str, ...]
    loaded: str
    begin: Callable[[str], Deliver]
    wrap: Callable[[Any], object] = lambda client: client


def _tracing(url: str) -> Any:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_ONLY"
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces"), max_queue_size=100_000))
    trace.set_tracer_provider(provider)
    return provider


def _instrumented(module: str) -> Callable[[str], Deliver]:
    """OpenTelemetry's way, which three of them follow."""

    def begin(url: str) -> Deliver:
        from importlib import import_module

        provider = _tracing(url)
        import_module(module).OpenAIInstrumentor().instrument(tracer_provider=provider)
        return provider.force_flush

    return begin


def _langfuse(url: str) -> Deliver:
    os.environ |= {"LANGFUSE_PUBLIC_KEY": "pk-lf-none", "LANGFUSE_SECRET_KEY": "none"}
    os.environ |= {"LANGFUSE_HOST": url, "LANGFUSE_BASE_URL": url}
    import langfuse.openai  # type: ignore[import-not-found]

    return langfuse.get_client().flush


def _logfire(url: str) -> Deliver:
    import logfire  # type: ignore[import-not-found]
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    sending = BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces"), max_queue_size=100_000)
    logfire.configure(send_to_logfire=False, console=False, additional_span_processors=[sending])
    logfire.instrument_openai()
    return logfire.force_flush


def _langsmith(url: str) -> Deliver:
    os.environ |= {"LANGSMITH_TRACING": "true", "LANGSMITH_ENDPOINT": url, "LANGSMITH_API_KEY": "none"}
    from langsmith.run_trees import get_cached_client  # type: ignore[import-not-found]

    return lambda: get_cached_client().flush()


def _wrap_langsmith(client: Any) -> object:
    from langsmith.wrappers import wrap_openai  # type: ignore[import-not-found]

    return wrap_openai(client)


def _openlit(url: str) -> Deliver:
    import openlit  # type: ignore[import-not-found]
    from opentelemetry import trace

    openlit.init(otlp_endpoint=url, disable_metrics=True)
    provider: Any = trace.get_tracer_provider()
    return provider.force_flush


_OTLP = "opentelemetry-exporter-otlp-proto-http"
_V2 = "opentelemetry.instrumentation.openai_v2"
_OPENINFERENCE = "openinference.instrumentation.openai"
_TRACELOOP = "opentelemetry.instrumentation.openai"

PEERS: Mapping[str, Peer] = {
    # It takes any util-genai, and can't be imported beside the newest.
    "otel openai-v2": Peer(
        ("opentelemetry-instrumentation-openai-v2", "opentelemetry-util-genai<=1.1b0", _OTLP, "httpx"), _V2, _instrumented(_V2)
    ),
    "langfuse": Peer(("langfuse",), "langfuse.openai", _langfuse),
    "openinference": Peer(("openinference-instrumentation-openai", _OTLP), _OPENINFERENCE, _instrumented(_OPENINFERENCE)),
    "traceloop": Peer(("opentelemetry-instrumentation-openai", _OTLP), _TRACELOOP, _instrumented(_TRACELOOP)),
    "logfire": Peer(("logfire",), "logfire", _logfire),
    "langsmith": Peer(("langsmith",), "langsmith.wrappers", _langsmith, _wrap_langsmith),
    "openlit": Peer(("openlit",), "openlit", _openlit),
}


def environment(name: str, folder: Path) -> Path | None:
    """The interpreter of a peer's environment, made if it is not there. None: it can't be installed here."""
    home = folder / name.replace(" ", "-")
    python = home / "bin" / "python"
    if (home / ".ready").exists():
        return python
    venv.create(home, with_pip=True, clear=True)
    # The newest version of it that works with the openai that we measure with.
    wanted = (f"openai=={version('openai')}", *PEERS[name].packages)
    made = subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted], check=False)
    if made.returncode:
        print(f"{name}: could not be installed", file=sys.stderr)
        return None
    (home / ".ready").touch()
    return python


def installed(name: str, python: Path) -> str:
    """Its version."""
    code = f"import importlib.metadata as m; print(m.version({PEERS[name].packages[0]!r}))"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
