"""
The server's settings: the only place that reads its environment.

A wrong value stops the start with the variable's name; values, not this object, are passed on.
`docs/settings.md` is generated from the descriptions here.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from collector.errors import WrongSettings
from collector.stopping import DEFAULT_STOP_TIMEOUT_S


def data_dir() -> Path:
    """Where hookline keeps its files by default: `~/.hookline`."""
    return Path.home() / ".hookline"


CONTENT_VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
CONTENT_MODES: Mapping[str, bool] = {
    "NO_CONTENT": False,
    "SPAN_ONLY": True,
    "EVENT_ONLY": False,
    "SPAN_AND_EVENT": True,
    # What the variable took before it had modes.
    "TRUE": True,
    "FALSE": False,
}
"""Mode -> whether spans carry messages."""


MIB = 1024 * 1024

ROLES = ("ingest", "work", "web")
"""What a collector can do."""


class Settings(BaseSettings):
    """Everything one can set on the server, by `HOOKLINE_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="HOOKLINE_", extra="ignore", env_ignore_empty=True)

    database_url: str = Field(
        default_factory=lambda: f"sqlite:///{data_dir() / 'hookline.db'}",
        description="`sqlite:///path` or `postgresql+psycopg://…`.",
    )
    host: str = Field("127.0.0.1", description="Address to bind. Anything but loopback needs a key.")
    port: int = Field(4319, ge=0, le=65535, description="Port to bind; 0 takes a free one.")
    api_key: str | None = Field(
        None,
        min_length=16,
        description="One key with all scopes of the default project, beside those of `keys create`.",
        repr=False,
    )
    allowed_hosts: str = Field("", description="Host header names to accept beside loopback and HOOKLINE_HOST; commas between.")
    allowed_origins: str = Field("", description="Origins of other sites that may call; commas between.")
    worker_process: Literal["auto", "always", "never"] = Field(
        "auto",
        description="A second process that assembles: `auto` while calls come by the hundred a second, `always`, `never`.",
    )
    devtools_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Be the devtools bus of TanStack AI in browsers, too, on this port of loopback; theirs is 4206.",
    )
    devtools_origins: str = Field(
        "", description="Origins of pages that may write there, beside those of this machine; commas between."
    )
    devtools_project: str = Field("default", min_length=1, description="The project that gets what these pages write.")
    settle_ms: int = Field(1000, ge=0, description="How long after its last event a foreign call counts as settled.")
    idle_timeout_s: int = Field(1800, ge=1, description="After so long without news a call without an end is `incomplete`.")
    retention_days: int | None = Field(
        None, ge=1, description="How many days to keep calls and events. Without it: for ever. Projects may have their own."
    )
    retention_exact: bool = Field(
        False,
        description="PostgreSQL: remove old calls to the day, row by row, instead of waiting until a whole partition is too old.",
    )
    retention_max_bytes: int | None = Field(
        None, ge=1, description="About how many bytes a project may hold; the oldest go first. Projects may have their own."
    )
    redact: str = Field(
        "",
        description="Built-in rules of redaction before anything is stored, commas between: email, credit_card, iban, api_key.",
    )
    redact_file: Path | None = Field(None, description="TOML file with rules of your own: see keeping.md.")
    redact_key: str | None = Field(
        None, min_length=16, description="Secret for rules that hash; the same on every collector.", repr=False
    )
    queue_max_events: int = Field(50_000, ge=1, description="Events waiting for a commit before new ones get 503.")
    max_body_bytes: int = Field(16 * MIB, ge=1024, description="Most bytes of a compressed body of `POST /v1/events`.")
    max_expanded_bytes: int = Field(64 * MIB, ge=1024, description="Most bytes of a body that is not compressed, or inflated.")
    max_event_bytes: int = Field(8 * MIB, ge=1024, description="Most bytes of one event.")
    max_batch_events: int = Field(10_000, ge=1, description="Most events in one request.")
    max_inflight_bytes: int = Field(
        256 * MIB, ge=1024, description="Bytes of bodies in memory at once, from arrival to commit; more are told 503."
    )
    max_connections: int = Field(1000, ge=8, description="Open connections; further ones are told 503 and closed.")
    request_timeout_s: float = Field(
        60.0, gt=0, le=3600, description="How long a request's headers, and then its body, may take to arrive."
    )
    rate_events_per_s: float | None = Field(
        None, gt=0, description="Events a second for each key without a rate of its own; more are told 429. Not set: no limit."
    )
    rate_bytes_per_s: float | None = Field(None, gt=0, description="Likewise bytes, of bodies as they are after inflating.")
    public_rate_events_per_s: float = Field(100.0, gt=0, description="The same for each public key. There is always a limit.")
    public_rate_bytes_per_s: float = Field(1.0 * MIB, gt=0, description="Likewise bytes.")
    behind_tls: bool = Field(
        False, description="A proxy in front of this speaks TLS: `true` leaves out the warning of the start about plain HTTP."
    )
    sql_timeout_s: float = Field(10.0, gt=0, le=600, description="How long a statement of `POST /v1/sql` may run.")
    sql_role: str | None = Field(
        None, description="PostgreSQL role without rights, under which statements of `POST /v1/sql` run: a second wall."
    )
    partition_days: int = Field(
        7,
        ge=1,
        le=366,
        description="PostgreSQL: how many days of events a partition holds. Counts for those that are still to make.",
    )
    roles: str = Field(
        "ingest,work,web",
        description="What this process does: take events in, assemble and export calls, serve readers. On SQLite one process "
        "does all.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["console", "json"] = Field("console", description="How log lines look.")
    stop_timeout_s: float = Field(
        DEFAULT_STOP_TIMEOUT_S, ge=1, le=3600, description="How long a stop may take: running requests, exports, what is queued."
    )
    export_sample_rate: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Which part of the calls that went well is exported, by trace. "
        "Failed, aborted, incomplete and slow ones always are; SQL keeps all.",
    )
    export_slow_ms: float = Field(10_000.0, gt=0, description="From how many milliseconds on a call is slow, for sampling.")
    export_jsonl: Path | None = Field(None, description="Also write every span as a line of JSON to this file.")

    @field_validator("roles")
    @classmethod
    def _known_roles(cls, value: str) -> str:
        names = {name.strip() for name in value.split(",")} - {""}
        if not names or not names <= set(ROLES):
            raise ValueError(f"name one or more of {', '.join(ROLES)}, commas between")
        return ",".join(name for name in ROLES if name in names)

    @property
    def role_names(self) -> tuple[str, ...]:
        """The roles, in one order."""
        return tuple(self.roles.split(","))


def load_settings(**overrides: object) -> Settings:
    """The settings from the environment, `overrides` (from the command line) first. Raises WrongSettings."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # pyright: ignore[reportArgumentType]
    except ValidationError as exc:
        first = exc.errors(include_input=False)[0]
        name = f"HOOKLINE_{str(first['loc'][0]).upper()}"
        raise WrongSettings(f"{name}: {first['msg']}. See docs/settings.md for what it takes.") from None


def otel_environment() -> dict[str, str]:
    """The OTEL_* variables; the exporters read them as OpenTelemetry's specification says."""
    return {name: value for name, value in os.environ.items() if name.startswith("OTEL_")}


def captures_content() -> bool:
    """
    Whether spans carry messages: OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT, off by default. Raises WrongSettings.

    There are no log events from hookline: EVENT_ONLY puts nothing anywhere, SPAN_AND_EVENT is SPAN_ONLY.
    """
    value = os.environ.get(CONTENT_VARIABLE, "").strip().upper() or "NO_CONTENT"
    if value not in CONTENT_MODES:
        raise WrongSettings(
            f"{CONTENT_VARIABLE}: {value[:40]!r} is not known: set NO_CONTENT, SPAN_ONLY, EVENT_ONLY or SPAN_AND_EVENT."
        )
    return CONTENT_MODES[value]


def without_password(url: str) -> str:
    """A database URL that may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@", 1)))
