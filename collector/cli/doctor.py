"""
`hookline doctor`: is anything arriving, and if not, why not.

Flow: environment, the running collector -> **findings** -> table or JSON. Each finding says what to do.
The exit code is 0 when nothing is wrong, 3 when no collector answers, else 1.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from collector.cli.client import CollectorClient
from collector.cli.doctor_exports import export_findings
from collector.cli.finding import Finding, Level
from collector.cli.humanise import ago, count, duration
from collector.cli.otlp_probe import probe_otlp
from collector.cli.output import AsJson, console, print_json
from collector.errors import HooklineError, NotAllowed, NotAuthenticated, ServerUnreachable

CLIENT_DEFAULT_URL = "http://127.0.0.1:4319"
"""Where a client without HOOKLINE_URL sends."""
_STYLE: Mapping[Level, str] = {"ok": "green", "note": "yellow", "bad": "bold red"}
_SIGN: Mapping[Level, str] = {"ok": "✓", "note": "!", "bad": "✗"}


def doctor(as_json: AsJson = False) -> None:
    """Look whether anything arrives, and why not."""
    client = CollectorClient.from_environment()
    findings = list(_client_side(client))
    exit_code = 0
    try:
        findings += _server_side(client)
    except ServerUnreachable as exc:
        findings.append(Finding(topic="server", level="bad", says=str(exc), advice="Start one: `hookline serve`."))
        exit_code = 3
    if exit_code == 0 and any(finding.level == "bad" for finding in findings):
        exit_code = 1
    _show(findings, as_json)
    raise typer.Exit(exit_code)


def _show(findings: list[Finding], as_json: bool) -> None:
    if as_json:
        print_json(
            {"ok": all(finding.level != "bad" for finding in findings), "findings": [asdict(finding) for finding in findings]}
        )
        return
    made = Table.grid(padding=(0, 2))
    for finding in findings:
        says = Text(finding.says)
        if finding.advice:
            says.append(f"\n→ {finding.advice}", style="bold")
        made.add_row(Text(_SIGN[finding.level], style=_STYLE[finding.level]), Text(finding.topic, style="dim"), says)
    console().print(made)


def _client_side(client: CollectorClient) -> Iterator[Finding]:
    """What a client in this environment would do."""
    if os.environ.get("HOOKLINE_DISABLED", "").strip().lower() not in {"", "0", "false", "no"}:
        yield Finding(topic="client", level="bad", says="HOOKLINE_DISABLED is set: clients record nothing.", advice="Unset it.")
    rate = os.environ.get("HOOKLINE_SAMPLE_RATE", "")
    if rate not in {"", "1", "1.0"}:
        yield Finding(
            topic="client", level="note", says=f"HOOKLINE_SAMPLE_RATE is {rate}: the other calls send only their errors."
        )
    if os.environ.get("HOOKLINE_CAPTURE_CONTENT", "").strip().lower() in {"0", "false", "no"}:
        yield Finding(
            topic="client", level="note", says="HOOKLINE_CAPTURE_CONTENT is off: events carry names, counts and sizes only."
        )
    yield _destination(client)


def _destination(client: CollectorClient) -> Finding:
    """Where clients send. Commands also look at HOOKLINE_PORT, which is a setting of the server; clients don't."""
    address = (os.environ.get("HOOKLINE_URL") or CLIENT_DEFAULT_URL).rstrip("/")
    key = "with a key" if client.api_key else "without a key"
    says = f"clients in this environment send to {address} {key}"
    if address == client.address:
        return Finding(topic="client", level="ok", says=says)
    advice = f"Set HOOKLINE_URL={client.address} for clients: they don't look at HOOKLINE_PORT."
    return Finding(topic="client", level="bad", says=f"{says}, not to {client.address}", advice=advice)


def _server_side(client: CollectorClient) -> Iterator[Finding]:
    client.get_text("/healthz")
    yield Finding(topic="server", level="ok", says=f"a collector answers at {client.address}")
    yield _ready(client)
    try:
        status = client.get("/v1/status")
    except NotAuthenticated as exc:
        yield Finding(topic="key", level="bad", says=str(exc), advice="`hookline keys create` makes one.")
        return
    except NotAllowed as exc:
        yield Finding(
            topic="key", level="bad", says=str(exc), advice="Use a key with the scope `read`, or ask from an allowed host."
        )
        return
    yield from _status_findings(status)


def _ready(client: CollectorClient) -> Finding:
    try:
        client.get_text("/readyz")
    except ServerUnreachable:
        raise
    except HooklineError as exc:
        return Finding(topic="ready", level="bad", says=str(exc), advice="Until then senders get 503 and try again.")
    return Finding(topic="ready", level="ok", says="the database answers and commits go through")


def _status_findings(status: Mapping[str, Any]) -> Iterator[Finding]:
    now_ms, last_ms = status["now_ms"], status["last_event_received_ms"]
    where = f" on {status['engine']}, schema {status['schema']}" if "engine" in status else ""
    yield Finding(topic="version", level="ok", says=f"hookline {status['version']}{where}")
    yield Finding(topic="key", level="ok", says=f"project `{status['project']}`, scopes {' '.join(status['scopes'])}")
    if last_ms is None:
        advice = "Wrap a client: `from sdk_hooks import instrument; client = instrument(OpenAI())`, or try `hookline demo`."
        yield Finding(topic="events", level="note", says="no event has arrived in this project yet", advice=advice)
    else:
        yield Finding(topic="events", level="ok", says=f"the last event arrived {ago(last_ms, now_ms=now_ms)}")
    for code, number in status["rejected"].items():
        yield Finding(
            topic="rejected", level="note", says=f"{count(number)} events since the start: {code}", advice=REJECTED.get(code, "")
        )
    if status["commit_age_s"] > 1:
        yield Finding(
            topic="commits", level="note", says=f"events have waited {duration(status['commit_age_s'] * 1000)} for a commit"
        )
    if status["state"] is None:
        yield Finding(topic="exports", level="note", says="this key sees its project only; exports need every scope of `default`")
        return
    yield from _work_findings(status["state"], now_ms)
    yield from export_findings(status)
    yield _endpoint_finding(status["otlp_endpoint"], status["otlp_protocol"])


REJECTED: Mapping[str, str] = {
    "project_mismatch": "The sender's HOOKLINE_PROJECT is not the project of its key.",
    "missing_type": "Every event needs a `type`.",
    "bad_timestamp": "`timestamp` is Unix milliseconds or ISO 8601.",
    "too_large": "An event may have 8 MiB.",
    "too_deep": "An event may be nested 64 levels deep.",
    "not_an_object": "An event is a JSON object.",
}


def _work_findings(state: Mapping[str, Any], now_ms: int) -> Iterator[Finding]:
    due_ms = state.get("oldest_due_ms")
    waits_ms = 0 if due_ms is None else max(0, now_ms - due_ms)
    if waits_ms > 10_000:
        advice = "The collector is behind or its pipeline stands still: look at its log."
        yield Finding(topic="calls", level="bad", says=f"work is due since {duration(waits_ms)}", advice=advice)
    else:
        calls = state.get("rows", {}).get("calls")
        yield Finding(topic="calls", level="ok", says=f"{count(calls)} calls, nothing is overdue")


def _endpoint_finding(endpoint: str | None, protocol: str | None) -> Finding:
    if endpoint is None:
        says, advice = "no OTEL_EXPORTER_OTLP_ENDPOINT: spans stay in SQL", "Set it on the server."
        return Finding(topic="otlp", level="note", says=says, advice=advice)
    if trouble := probe_otlp(endpoint, protocol):
        return Finding(
            topic="otlp", level="bad", says=f"{endpoint} ({protocol}): {trouble}", advice="Spans wait in the database."
        )
    return Finding(topic="otlp", level="ok", says=f"{endpoint} ({protocol}) takes connections")
