"""
`hookline doctor` on exports: what waits, since when and why, what is dead, and what a person can do about each.

Flow: /v1/status -> **findings**. Pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from collector.cli.finding import Finding
from collector.cli.humanise import ago, count, duration, one_line

Row = Mapping[str, Any]

LONG_MS = 60_000
"""What has waited so long is worth a word; what fails for so long is wrong."""
_SETTING = "then restart the collector; nothing is lost meanwhile"
_PORTS = " (http/protobuf mostly has port 4318, grpc 4317)"
_BY_THEMSELVES = "Spans wait and go by themselves."
_WHOSE = "`hookline sql \"SELECT request_id, reason FROM exports WHERE state = 'dead'\"`"

ADVICE: Sequence[tuple[str, str]] = (
    (
        r"HTTP (401|407)|UNAUTHENTICATED",
        f"Check OTEL_EXPORTER_OTLP_HEADERS on the server (name=value, percent-encoded), {_SETTING}.",
    ),
    (
        r"HTTP 403|PERMISSION_DENIED",
        f"The key may not write there: give it the right, or set another in OTEL_EXPORTER_OTLP_HEADERS, {_SETTING}.",
    ),
    (
        r"HTTP (404|405)|UNIMPLEMENTED|NOT_FOUND",
        f"No receiver is at that address: check OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_PROTOCOL{_PORTS}, {_SETTING}.",
    ),
    (r"HTTP 3\d\d", f"Set OTEL_EXPORTER_OTLP_ENDPOINT to where it points, {_SETTING}."),
    (
        r"HTTP 413|larger than max",
        "Raise the backend's limit for a request: hookline sends 4 MiB at most, and less where asked to.",
    ),
    (r"HTTP 429|RESOURCE_EXHAUSTED", "The backend limits its rate: spans go as fast as it lets them."),
    (r"given up after", "The backend fails on these spans and takes others: its log says why."),
    (
        r"no answer within|DEADLINE_EXCEEDED",
        "The backend is slow: look at it, or raise OTEL_EXPORTER_OTLP_TIMEOUT (milliseconds).",
    ),
    (
        r"(?i)certificate",
        "Its certificate is not trusted here: set OTEL_EXPORTER_OTLP_CERTIFICATE on the server, or renew it.",
    ),
    (
        r"(?i)refused",
        f"Nothing listens there: start the backend, or correct OTEL_EXPORTER_OTLP_ENDPOINT. {_BY_THEMSELVES}",
    ),
    (
        r"(?i)name or service|name resolution|resolving|domain name",
        f"The host's name is not known: correct OTEL_EXPORTER_OTLP_ENDPOINT, or look at the DNS. {_BY_THEMSELVES}",
    ),
    (
        r"can't write",
        f"Make room, or give the collector the right to write at HOOKLINE_EXPORT_JSONL. {_BY_THEMSELVES}",
    ),
    (
        r"HTTP 4\d\d|INVALID_ARGUMENT|FAILED_PRECONDITION",
        f"The backend does not take these spans; the reason is its own. Their calls: {_WHOSE}.",
    ),
)
"""What a reason looks like -> what to do. The first that fits counts."""
_ELSE = f"Look at the backend. {_BY_THEMSELVES}"


def advice_for(reason: str) -> str:
    """What to do about a reason."""
    return next((advice for pattern, advice in ADVICE if re.search(pattern, reason)), _ELSE)


def export_findings(status: Row) -> Iterator[Finding]:
    """Of every destination that is set up, or that something waits for or died at."""
    items: Sequence[Row] = status["state"].get("exports", ())
    live: Mapping[str, Row] = {one["destination"]: one for one in status.get("destinations", ())}
    for destination in sorted({*live, *(str(item["destination"]) for item in items)}):
        by_state = {str(item["state"]): item for item in items if item["destination"] == destination}
        yield _waiting(destination, by_state, live.get(destination), status["now_ms"])
        if live.get(destination, {}).get("rejected"):
            yield _rejected(live[destination])
    for item in status.get("export_reasons", ()):
        yield _dead(item, status["now_ms"])


def _waiting(destination: str, by_state: Mapping[str, Row], live: Row | None, now_ms: int) -> Finding:
    pending = by_state.get("pending", {})
    waiting = int(pending.get("count", 0))
    counts = {state: int(item["count"]) for state, item in by_state.items()}
    oldest_ms = now_ms - int(pending.get("oldest_queued_ms") or now_ms)
    wait = f"{count(waiting)} spans wait, the oldest for {duration(oldest_ms)}" if waiting else "nothing waits"
    if live is None:
        return _unserved(destination, waiting, wait, counts)
    if live["failing_since_ms"] is not None:
        return _failing(live, wait, counts, now_ms)
    if waiting and oldest_ms > LONG_MS:
        advice = "They are being sent, oldest and newest in turn; look again in a moment."
        return Finding(topic="exports", level="note", says=f"{destination}: {wait}", advice=advice, counts=counts)
    sent = f"{count(counts.get('done', 0))} spans sent"
    return Finding(topic="exports", level="ok", says=f"{destination}: {sent}, {wait}", counts=counts)


def _unserved(destination: str, waiting: int, wait: str, counts: dict[str, int]) -> Finding:
    says = f"{destination}: not set up on this server; {wait}"
    if not waiting:
        return Finding(topic="exports", level="ok", says=says, counts=counts)
    variable = "HOOKLINE_EXPORT_JSONL" if destination == "jsonl" else "OTEL_EXPORTER_OTLP_ENDPOINT"
    advice = f"Set {variable} on the server, or give them up: `hookline export --drop-destination {destination}`."
    return Finding(topic="exports", level="bad", says=says, advice=advice, counts=counts)


def _failing(live: Row, wait: str, counts: dict[str, int], now_ms: int) -> Finding:
    destination, reason = live["destination"], one_line(live["reason"])
    for_ms = max(now_ms - int(live["failing_since_ms"]), 0)
    why = "it does not want us as we are set up" if live["is_setting"] else "it does not take spans"
    next_try = f"next try in {duration(float(live['next_try_s']) * 1000)}"
    return Finding(
        topic="exports",
        level="bad" if live["is_setting"] or for_ms > LONG_MS else "note",
        says=f"{destination}: {why}, for {duration(for_ms)} ({reason}); {wait}; {next_try}",
        advice=advice_for(reason),
        counts=counts,
    )


def _rejected(live: Row) -> Finding:
    dropped = f"dropped {count(live['rejected'])} of them since the start (partial success)"
    return Finding(
        topic="exports",
        level="note",
        says=f"{live['destination']}: it took spans and {dropped}",
        advice="Its words are in the collector's log, `spans_rejected_by_backend`. They are not sent again.",
        counts={"rejected": int(live["rejected"])},
    )


def _dead(item: Row, now_ms: int) -> Finding:
    reason = one_line(item["reason"])
    died = ago(item["last_ms"], now_ms=now_ms)
    again = f"hookline export --retry-dead --destination {item['destination']} --reason {_quoted(_stable_part(reason))}"
    return Finding(
        topic="exports",
        level="bad",
        says=f"{item['destination']}: {count(item['count'])} spans are dead, the last one {died}: {reason}",
        advice=f"{advice_for(reason)} Once the cause is gone: `{again}`.",
        counts={"dead": int(item["count"])},
    )


def _stable_part(reason: str) -> str:
    """The status without the words behind it, which may differ from span to span."""
    return reason.partition(":")[0]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
