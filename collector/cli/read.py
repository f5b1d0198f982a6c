"""
`hookline events`, `hookline calls`: what is stored, newest first.

Flow: options -> the same query parameters as HTTP -> **collector** -> tables or JSON.
"""

import time
from typing import Annotated

import typer

from collector.cli.client import CollectorClient, Query
from collector.cli.output import AsJson, console, print_json
from collector.cli.tables import call_table, event_table

Limit = Annotated[int, typer.Option(min=1, max=1000, help="Rows.")]
Cursor = Annotated[str | None, typer.Option(help="The next_cursor of the page before.")]
Since = Annotated[str | None, typer.Option(help="From this time on: Unix ms, or RFC 3339 with an offset.")]
Until = Annotated[str | None, typer.Option(help="Before this time.")]
Many = list[str] | None


def events(
    type: Annotated[Many, typer.Option("--type", help="Event type; again for or, `!` in front for not.")] = None,  # noqa: A002
    request_id: Annotated[Many, typer.Option(help="Of this call.")] = None,
    stream_id: Annotated[Many, typer.Option()] = None,
    client_id: Annotated[Many, typer.Option()] = None,
    thread_id: Annotated[Many, typer.Option()] = None,
    run_id: Annotated[Many, typer.Option()] = None,
    provider: Annotated[Many, typer.Option()] = None,
    model: Annotated[Many, typer.Option()] = None,
    tool: Annotated[Many, typer.Option(help="Events that offer or run this tool.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List events, newest first."""
    query: Query = {
        "type": type,
        "request_id": request_id,
        "stream_id": stream_id,
        "client_id": client_id,
        "thread_id": thread_id,
        "run_id": run_id,
        "provider": provider,
        "model": model,
        "tool": tool,
        "since": since,
        "until": until,
        "limit": limit,
        "cursor": cursor,
    }
    page = CollectorClient.from_environment().get("/v1/events", query)
    if as_json:
        print_json(page)
        return
    _show(event_table(page["items"], now_ms=time.time() * 1000), page, "events")


def calls(
    status: Annotated[
        Many, typer.Option(help="running, ok, error, aborted, incomplete; again for or, `!` in front for not.")
    ] = None,
    operation: Annotated[Many, typer.Option(help="chat, embeddings, invoke_agent, …")] = None,
    provider: Annotated[Many, typer.Option()] = None,
    model: Annotated[Many, typer.Option()] = None,
    tool: Annotated[Many, typer.Option(help="Calls in which this tool was called.")] = None,
    service: Annotated[Many, typer.Option(help="The application that made the call.")] = None,
    client_id: Annotated[Many, typer.Option()] = None,
    session_id: Annotated[Many, typer.Option()] = None,
    min_duration_ms: Annotated[float | None, typer.Option(min=0, help="At least so long.")] = None,
    q: Annotated[str | None, typer.Option("--search", "-q", help="Text in the preview of prompt or answer.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List calls, newest first."""
    query: Query = {
        "status": status,
        "operation": operation,
        "provider": provider,
        "model": model,
        "tool": tool,
        "service": service,
        "client_id": client_id,
        "session_id": session_id,
        "min_duration_ms": min_duration_ms,
        "q": q,
        "since": since,
        "until": until,
        "limit": limit,
        "cursor": cursor,
    }
    client = CollectorClient.from_environment()
    page = client.get("/v1/calls", query)
    if as_json:
        print_json(page)
        return
    _show(call_table(page["items"], now_ms=time.time() * 1000, address=client.address), page, "calls")


def _show(made: object, page: dict[str, object], what: str) -> None:
    out = console()
    if not page["items"]:
        out.print(f"No {what}. `hookline doctor` looks whether anything arrives.")
        return
    out.print(made)
    if page["next_cursor"]:
        out.print(f"[dim]more: --cursor {page['next_cursor']}[/dim]")
