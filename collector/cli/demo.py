"""
`hookline demo`: the whole product on this machine, in one command.

Flow: a collector in a thread <- wrapped client <- bundled provider; then **the tables**.
A host application with a span of its own makes real SDK calls; what came of them is read back over HTTP, as anybody would.
"""

import os
import tempfile
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from collector.cli.client import CollectorClient
from collector.cli.demo_report import DemoResult, missing_types, print_report, report_as_json, unsettled
from collector.cli.output import AsJson, console, print_json
from collector.errors import HooklineError, WrongSettings

if TYPE_CHECKING:
    from collector.settings import Settings

SETTLE_LIMIT_S = 30.0
EXPORT_LIMIT_S = 6.0
PORT = 4319


class DemoFailed(HooklineError):
    """The demo ran, but something that must be there is not."""


def demo(
    once: Annotated[bool, typer.Option("--once", help="End when everything is shown, with 0 if all of it was there.")] = False,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; by default 4319 or a free one.")] = None,
    database_url: Annotated[str | None, typer.Option(help="Keep the events here. By default a temporary SQLite file.")] = None,
    as_json: AsJson = False,
) -> None:
    """See it work: a collector, a wrapped openai client and a bundled provider. Needs no key and no network."""
    if find_spec("openai") is None:
        raise DemoFailed('the demo needs the openai package: pip install "hookline[demo]"')
    from collector.logs import configure_logs

    configure_logs(level="error", log_format="console")
    out = Console(stderr=True, highlight=False) if as_json else console()
    with ExitStack() as stack:
        settings = _settings(stack, database_url, port, once=once)
        server = stack.enter_context(_started(settings, may_move=port is None and not once))
        out.print(f"[green]✓[/green] collector on [bold]{server.url}[/bold], events in {settings.database_url}")
        result = _perform(server.url, settings, out)
        if as_json:
            print_json(report_as_json(result))
        else:
            print_report(out, result, has_pages=not once)
        _require_complete(result)
        if not once:
            _serve_on(out, server.url)


def _require_complete(result: DemoResult) -> None:
    """Raises DemoFailed, naming what is missing."""
    missing, running = missing_types(result), unsettled(result)
    if missing:
        raise DemoFailed(f"these events did not arrive: {', '.join(missing)}. Is HOOKLINE_DISABLED set?")
    if running:
        raise DemoFailed(f"these calls did not settle within {SETTLE_LIMIT_S:.0f} s: {', '.join(running)}")


def _settings(stack: ExitStack, database_url: str | None, port: int | None, *, once: bool) -> "Settings":
    from collector.settings import load_settings

    if database_url is None:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hookline-demo-"))
        database_url = f"sqlite:///{Path(folder) / 'demo.db'}"
    return load_settings(database_url=database_url, host="127.0.0.1", port=port if port is not None else 0 if once else PORT)


def _started(settings: "Settings", *, may_move: bool) -> Any:
    from collector.binding import bind
    from collector.server import ServerThread

    if may_move:
        try:
            bind(settings).close()
        except WrongSettings:
            settings = settings.model_copy(update={"port": 0})
    return ServerThread(settings)


def _perform(url: str, settings: "Settings", out: Console) -> DemoResult:
    """Run the scenario, wait until the collector has made calls of its events, read all of it back."""
    from collector import prices
    from collector.demo.scenario import run_scenario

    # A third of a second, which would fall into one of the scenario's streams: host and collector are one process here.
    prices.load()
    client = CollectorClient(address=url, api_key=settings.api_key)
    since_ms = time.time_ns() // 1_000_000
    run_scenario(collector_url=url, api_key=settings.api_key, on_step=lambda step: out.print(f"[green]✓[/green] {step}"))
    with out.status("waiting until every call is settled"):
        calls = _settled_calls(client, since_ms)
        exports = _exports(client)
    return DemoResult(
        url=url,
        database=settings.database_url,
        events=tuple(reversed(_all(client, "/v1/events", since_ms))),
        calls=tuple(reversed(calls)),
        endpoint=os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"),
        exports=exports,
    )


def _settled_calls(client: CollectorClient, since_ms: int) -> list[dict[str, Any]]:
    """The calls, once none runs any more and no new one came for a moment; those that there are when time is up."""
    deadline_s, before = time.monotonic() + SETTLE_LIMIT_S, -1
    while True:
        calls = _all(client, "/v1/calls", since_ms)
        is_done = bool(calls) and len(calls) == before and all(call["status"] != "running" for call in calls)
        if is_done or time.monotonic() > deadline_s:
            return calls
        before = len(calls)
        time.sleep(0.2)


def _exports(client: CollectorClient) -> dict[str, int]:
    """Spans by destination and state, once none waits; as they are when time is up."""
    deadline_s = time.monotonic() + EXPORT_LIMIT_S
    while True:
        state: dict[str, Any] | None = client.get("/v1/status")["state"]
        rows: list[dict[str, Any]] = state["exports"] if state else []
        counts = {f"{row['destination']} {row['state']}": int(row["count"]) for row in rows}
        is_done = not any(name.endswith(("waiting", "pending", "retry")) for name in counts)
        if is_done or time.monotonic() > deadline_s:
            return counts
        time.sleep(0.5)


def _all(client: CollectorClient, path: str, since_ms: int) -> list[dict[str, Any]]:
    rows, cursor = [], None
    while True:
        page = client.get(path, {"since": since_ms, "limit": 1000, "cursor": cursor})
        rows += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows


def _serve_on(out: Console, url: str) -> None:
    out.print(f"\n[bold]{url}[/bold] serves on. In another terminal:  export HOOKLINE_URL={url}; hookline calls")
    out.print("[dim]Ctrl-C ends the demo and removes its events.[/dim]")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return
