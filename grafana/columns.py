"""
What a column of a table panel is called, in which unit, what it means, and where a click on it leads.

Flow: boards name columns -> **Column** -> overrides and the panel's description.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

TEMPO = {"uid": "tempo", "name": "Tempo"}
JAEGER = {"uid": "jaeger", "name": "Jaeger"}

TRACE_LINKS: list[dict[str, Any]] = [
    {
        "title": "Trace in Tempo",
        "url": "",
        "internal": {
            "datasourceUid": TEMPO["uid"],
            "datasourceName": TEMPO["name"],
            "query": {"refId": "A", "queryType": "traceql", "query": "${__value.raw}"},
        },
    },
    {
        "title": "Trace in Jaeger",
        "url": "",
        "internal": {
            "datasourceUid": JAEGER["uid"],
            "datasourceName": JAEGER["name"],
            "query": {"refId": "A", "query": "${__value.raw}"},
        },
    },
]
CALL_LINKS: list[dict[str, Any]] = [
    {"title": "This call in hookline", "url": "${hookline:raw}/calls/${__value.raw:percentencode}", "targetBlank": True}
]
STATUS_COLORS = {"ok": "green", "done": "green", "running": "blue", "pending": "blue", "requested": "blue"} | {
    "aborted": "yellow",
    "waiting": "yellow",
    "incomplete": "orange",
    "error": "red",
    "dead": "red",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column that the query gives under `name`. `width` in pixels; without one it takes what is left."""

    name: str
    title: str
    means: str
    unit: str | None = None
    width: int | None = None
    decimals: int | None = None
    links: tuple[dict[str, Any], ...] = ()
    has_status: bool = False

    def properties(self) -> list[DynamicConfigValue]:
        """The override that makes it so."""
        given: dict[str, Any] = {"displayName": self.title, "unit": self.unit, "decimals": self.decimals}
        given |= {"custom.width": self.width, "links": list(self.links) or None}
        if self.has_status:
            colors = {text: {"color": color, "index": n} for n, (text, color) in enumerate(STATUS_COLORS.items())}
            given |= {"mappings": [{"type": "value", "options": colors}], "custom.cellOptions": {"type": "color-text"}}
        return [DynamicConfigValue(id_val=name, value=value) for name, value in given.items() if value is not None]


def _table(*columns: Column) -> dict[str, Column]:
    return {column.name: column for column in columns}


KNOWN = _table(
    Column(name="time", title="Started", means="start of the call, by the sender's clock", unit="dateTimeAsIso", width=160),
    Column(name="request_id", title="Call", means="its request id; leads to hookline's page", width=180, links=tuple(CALL_LINKS)),
    Column(name="trace_id", title="Trace", means="its trace id; leads to the trace", width=150, links=tuple(TRACE_LINKS)),
    Column(name="operation", title="Operation", means="what was asked for: chat, embeddings, image_generation, …", width=130),
    Column(name="provider", title="Provider", means="who answered", width=110),
    Column(name="model", title="Model", means="the model that was asked for; (none) for agent runs"),
    Column(name="service", title="Service", means="service.name of the sending application", width=120),
    Column(name="user_id", title="User", means="userId of the session, where the application gave one", width=120),
    Column(name="status", title="Status", means="running, ok, error, aborted (left early), incomplete (no end)", width=90, has_status=True),
    Column(name="duration_ms", title="Duration", means="as long as the SDK call took", unit="ms", width=100),
    Column(name="time_to_first_chunk_ms", title="First chunk", means="from the start to the first piece of a stream", unit="ms", width=100),
    Column(name="calls", title="Calls", means="how many, every status", unit="short", decimals=0, width=80),
    Column(name="errors", title="Errors", means="those that ended as error or incomplete", unit="short", decimals=0, width=80),
    Column(name="error_rate", title="Error rate", means="errors among those that ended", unit="percentunit", width=100),
    Column(name="p50", title="Median", means="half were quicker", unit="ms", width=100),
    Column(name="p95", title="p95", means="19 of 20 were quicker", unit="ms", width=100),
    Column(name="p99", title="p99", means="99 of 100 were quicker", unit="ms", width=100),
    Column(name="slowest_ms", title="Slowest", means="the longest of them", unit="ms", width=100),
    Column(name="input_tokens", title="Input", means="all input tokens, cached ones included", unit="short", width=80),
    Column(name="output_tokens", title="Output", means="all output tokens, reasoning included", unit="short", width=80),
    Column(name="cache_read_tokens", title="From cache", means="input tokens read from the provider's cache", unit="short", width=100),
    Column(name="cost_usd", title="Cost", means="told by the provider or computed from list prices; empty if unknown", unit="currencyUSD", width=90),
    Column(name="unpriced", title="Unpriced", means="calls with tokens and without a known price", unit="short", width=90),
    Column(name="error_type", title="Error", means="the error's name or its HTTP status", width=180),
    Column(name="error_message", title="Message", means="as the provider said it"),
    Column(name="last_ms", title="Last", means="when it happened last", unit="dateTimeAsIso", width=180),
    Column(name="tool_name", title="Tool", means="as the model called it", width=180),
    Column(name="error", title="Message", means="what the tool said"),
    Column(name="runs", title="Runs", means="how often it ran", unit="short", decimals=0, width=80),
    Column(name="destination", title="Destination", means="where spans are sent to", width=120),
    Column(name="state", title="State", means="pending, done, or dead: refused for good", width=100, has_status=True),
    Column(name="spans", title="Spans", means="how many", unit="short", decimals=0, width=80),
    Column(name="attempts", title="Attempts", means="the most that one of them took", unit="short", decimals=0, width=90),
    Column(name="reason", title="Reason", means="what the destination said last"),
    Column(name="flaws", title="What is wrong", means="what the record of the call lacks"),
    Column(name="flaw", title="What is wrong", means="what the record of a call lacks"),
    Column(name="first_seen_ms", title="First seen", means="when its first event came in", unit="dateTimeAsIso", width=180),
    Column(name="environment", title="Environment", means="deployment.environment.name, where it was given", width=130),
    Column(name="sdk", title="Sent by", means="telemetry.sdk.name: which hook or bridge", width=150),
    Column(name="host", title="Host", means="host.name of the sender", width=160),
    Column(name="events", title="Events", means="how many", unit="short", decimals=0, width=90),
    Column(name="late_ms", title="Longest delay", means="most time from an event's own clock to its receipt", unit="ms", width=120),
)  # fmt: skip


def described(columns: Iterable[Column]) -> str:
    """The meanings, as a list for the panel's description."""
    return "\n".join(f"- **{column.title}**: {column.means}" for column in columns)
