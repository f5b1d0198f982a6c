"""
Settings of the client: environment < `configure` < `instrument` < `session`.

Flow: environment, host's code -> **config** -> recorder, emitter.
The only module of the client that reads the environment, and only when something is recorded for the first time.
A wrong value never raises into the host: one log line, and the layer below holds.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypedDict, cast

from sdk_hooks.context import current_session
from sdk_hooks.errors import WrongSetting
from sdk_hooks.guard import log

Event = dict[str, Any]
Redact = Callable[[Event], Event | None]


class CallSettings(NamedTuple):
    """What may differ from call to call."""

    client_id: str | None = None
    project: str | None = None
    thread_id: str | None = None
    run_id: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    tags: Mapping[str, Any] | None = None
    capture_content: bool = True
    sample_rate: float = 1.0
    redact: Redact | None = None
    disabled: bool = False


class DeliverySettings(NamedTuple):
    """What holds for the whole process."""

    url: str = "http://127.0.0.1:4319"
    api_key: str | None = None
    environment: str | None = None
    release: str | None = None
    delivery: str = "background"
    spool_dir: str | None = None
    spool_max_bytes: int = 256 * 1024 * 1024
    spool_max_age_s: float = 7 * 86_400.0
    buffer_max_events: int = 10_000
    buffer_max_bytes: int = 32 * 1024 * 1024
    batch_max_events: int = 1_000
    batch_max_bytes: int = 4 * 1024 * 1024
    flush_interval_s: float = 0.2
    post_timeout_s: float = 10.0
    exit_timeout_s: float = 2.0


class CallOptions(TypedDict, total=False):
    """Keyword arguments of `instrument` and `session`."""

    client_id: str
    project: str
    thread_id: str
    run_id: str
    session_id: str
    user_id: str
    tags: Mapping[str, Any]
    capture_content: bool
    sample_rate: float
    redact: Redact
    disabled: bool


class Options(CallOptions, total=False):
    """Keyword arguments of `configure`."""

    url: str
    api_key: str
    environment: str
    release: str
    delivery: str
    spool_dir: str
    spool_max_bytes: int
    spool_max_age_s: float
    buffer_max_events: int
    buffer_max_bytes: int
    batch_max_events: int
    batch_max_bytes: int
    flush_interval_s: float
    post_timeout_s: float
    exit_timeout_s: float


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise WrongSetting("a string")
    return value


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    found = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}.get(
        str(value).strip().lower()
    )
    if found is None:
        raise WrongSetting("true or false")
    return found


def _rate(value: Any) -> float:
    try:
        rate = float(value)
    except (TypeError, ValueError, OverflowError):
        rate = -1.0
    if not 0.0 <= rate <= 1.0:
        raise WrongSetting("a number from 0 to 1")
    return rate


def _count(value: Any) -> int:
    try:
        count = int(value)
    except (TypeError, ValueError, OverflowError):
        count = 0
    if count < 1:
        raise WrongSetting("a whole number over 0")
    return count


def _bytes(value: Any) -> int:
    return 0 if str(value).strip() == "0" else _count(value)


def _seconds(value: Any) -> float:
    return _bounded_s(value, 86_400.0)


def _long_seconds(value: Any) -> float:
    return _bounded_s(value, 10 * 365 * 86_400.0)


def _bounded_s(value: Any, most_s: float) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = -1.0
    if not 0.0 <= seconds <= most_s:
        raise WrongSetting("seconds, 0 or more")
    return seconds


def _url(value: Any) -> str:
    from urllib.parse import urlsplit

    address = value.strip().rstrip("/") if isinstance(value, str) else ""
    try:
        parts = urlsplit(address)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_good = False
    if not is_good:
        raise WrongSetting("an http:// or https:// address")
    return address


def _mode(value: Any) -> str:
    if value not in ("background", "sync"):
        raise WrongSetting("background or sync")
    return value


def _redact(value: Any) -> Redact:
    if not callable(value):
        raise WrongSetting("a function of an event")
    return cast("Redact", value)


def _tags(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise WrongSetting("a mapping of names to values")
    return {str(key): item for key, item in cast("Mapping[Any, Any]", value).items()}


READERS: Mapping[str, Callable[[Any], Any]] = {
    "client_id": _text,
    "project": _text,
    "thread_id": _text,
    "run_id": _text,
    "session_id": _text,
    "user_id": _text,
    "tags": _tags,
    "capture_content": _flag,
    "sample_rate": _rate,
    "redact": _redact,
    "disabled": _flag,
    "url": _url,
    "api_key": _text,
    "environment": _text,
    "release": _text,
    "delivery": _mode,
    "spool_dir": _text,
    "spool_max_bytes": _bytes,
    "spool_max_age_s": _long_seconds,
    "buffer_max_events": _count,
    "buffer_max_bytes": _count,
    "batch_max_events": _count,
    "batch_max_bytes": _count,
    "flush_interval_s": _seconds,
    "post_timeout_s": _seconds,
    "exit_timeout_s": _seconds,
}

ENVIRONMENT: Mapping[str, str] = {
    "HOOKLINE_URL": "url",
    "HOOKLINE_API_KEY": "api_key",
    "HOOKLINE_PROJECT": "project",
    "HOOKLINE_CLIENT_ID": "client_id",
    "HOOKLINE_ENVIRONMENT": "environment",
    "HOOKLINE_RELEASE": "release",
    "HOOKLINE_CAPTURE_CONTENT": "capture_content",
    "HOOKLINE_SAMPLE_RATE": "sample_rate",
    "HOOKLINE_SPOOL_DIR": "spool_dir",
    "HOOKLINE_SPOOL_MAX_BYTES": "spool_max_bytes",
    "HOOKLINE_DELIVERY": "delivery",
    "HOOKLINE_DISABLED": "disabled",
}


def checked(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The values that can be used. None means "not set here"; the others are named in the log, without their value."""
    allowed = READERS if where in ("configure", "environment") else CallSettings._fields
    good: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        try:
            if name not in allowed:
                raise WrongSetting("no such setting here")
            good[name] = READERS[name](value)
        except WrongSetting as wrong:
            log("warning", "hookline: %s(%s=…) was ignored: %s", where, name, wrong)
    return good


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the environment sets. An empty variable is one that is not set."""
    good: dict[str, Any] = {}
    for variable, name in ENVIRONMENT.items():
        value = environment.get(variable)
        if not value:
            continue
        try:
            good[name] = READERS[name](value)
        except WrongSetting as wrong:
            log("warning", "hookline: %s was ignored: wanted %s", variable, wrong)
    return good


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both layers; the upper wins, tags are joined."""
    both = {**below, **above}
    if "tags" in below and "tags" in above:
        both["tags"] = {**below["tags"], **above["tags"]}
    return both


class Layer:
    """What one `instrument(client, …)` set. Its hook keeps it and gives it to every call."""

    __slots__ = ("cached", "values")

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        self.values = checked(given or {}, "instrument")
        self.cached: tuple[object, CallSettings] = (None, CallSettings())
        """What `over` gave last, and of which generation that was: it holds until `configure` is called again."""

    def over(self, config: "Config") -> CallSettings:
        """The settings up to this layer."""
        generation = config.generation
        settings = call_settings(merged(config.values, self.values))
        self.cached = (generation, settings)
        return settings


NO_LAYER = Layer()
CACHED_LAYERS = 64


class Config:
    """Environment and `configure`, read when first needed."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        source = os.environ if environment is None else environment
        self.environment = source
        self._environment_values = from_environment(source)
        self._configured: dict[str, Any] = {}
        self.values: dict[str, Any] = self._environment_values
        self.generation = object()
        """Another one after each `configure`; no two configs have the same."""

    def update(self, given: Mapping[str, Any]) -> None:
        """`configure(…)`: later calls win over earlier ones, and None takes back what they said."""
        kept = {name: value for name, value in self._configured.items() if given.get(name, value) is not None}
        self._configured = merged(kept, checked(given, "configure"))
        self.values = merged(self._environment_values, self._configured)
        self.generation = object()

    def spool_folder(self) -> str | None:
        """Where the spool is unless `spool_dir` says; None without a home directory."""
        home = self.environment.get("HOME") or self.environment.get("USERPROFILE")
        return os.path.join(home, ".hookline", "spool") if home and os.path.isabs(home) else None

    def delivery(self) -> DeliverySettings:
        return DeliverySettings(**{name: self.values[name] for name in DeliverySettings._fields if name in self.values})

    def for_call(self, layer: Layer) -> CallSettings:
        """The settings of a call that begins now, in this context."""
        # Looked at here and not in `over`: a call of a function less at every call.
        generation, below = layer.cached
        if generation is not self.generation:
            below = layer.over(self)
        session = current_session()
        if session is None:
            return below
        cached = session.merged.get(id(below))
        # The settings are kept beside the result: an id alone could be reused.
        if cached is not None and cached[0] is below:
            return cached[1]
        above = call_settings(merged(merged(self.values, layer.values), session.values))
        if len(session.merged) >= CACHED_LAYERS:
            # A session as long as the process, and clients made and instrumented in it one by one.
            session.merged.clear()
        session.merged[id(below)] = (below, above)
        return above


def call_settings(values: Mapping[str, Any]) -> CallSettings:
    return CallSettings(**{name: values[name] for name in CallSettings._fields if name in values})
