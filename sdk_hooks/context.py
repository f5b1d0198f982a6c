"""
What surrounds a call: the session, the enclosing call, the host's own span.

Flow: host's task or thread -> **context** -> recorder.
Read at the start of a call, in the caller's context, never in a background thread.
"""

import sys
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, NamedTuple

from sdk_hooks.guard import guard

OPENTELEMETRY = "opentelemetry.trace.propagation"
"""
A module of a host that uses spans of its own, with `get_current_span`. Not `opentelemetry.trace`, which only shows it: a host's
tests put something else there, and look who asks.
"""


class HostSpan(NamedTuple):
    """The host's active OpenTelemetry span."""

    trace_id: int
    span_id: int
    flags: int

    def traceparent(self) -> str:
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{self.flags & 0xFF:02x}"


class Enclosing(NamedTuple):
    """The call (or one tool of it) inside which new calls are made."""

    request_id: str
    root_request_id: str
    tool_call_id: str | None
    run_id: str | None
    """The root's; a nested call has its root's or none."""
    root_span: HostSpan | None
    """The host span that the root was made in."""
    host_span: HostSpan | None
    """The host span that was active when this call began."""
    is_sampled: bool


LastCall = tuple[str, Enclosing | None, "Scope | None", HostSpan | None]
"""
Request id of the call that began last in a context, and what surrounded it: when that is over, so is its being the last one.
A plain tuple, which costs less than a named one: it is made at every call, in the host's thread.
"""

_enclosing: ContextVar[Enclosing | None] = ContextVar("hookline_enclosing", default=None)
_session: ContextVar["Scope | None"] = ContextVar("hookline_session", default=None)
_last: ContextVar[LastCall | None] = ContextVar("hookline_last", default=None)
_suppressed: ContextVar[bool] = ContextVar("hookline_suppressed", default=False)

enclosing = _enclosing.get
current_session = _session.get
is_suppressed = _suppressed.get
suppressed = _suppressed.set
unsuppressed = _suppressed.reset
"""What `suppress` and `unsuppress` call, for loops: ValueError in another context."""


def enter(scope: Enclosing | None) -> Token[Enclosing | None]:
    """Make `scope` the enclosing call of this context."""
    return _enclosing.set(scope)


def leave(token: Token[Enclosing | None]) -> None:
    """Undo `enter`. In another context than it was entered in (async generators), there is nothing to undo."""
    try:
        _enclosing.reset(token)
    except ValueError:
        return


def note_call(request_id: str, around: Enclosing | None, host_span: HostSpan | None) -> None:
    """Remember the call as the last one of this context, if something surrounds it that will end."""
    session = _session.get()
    if around is not None or session is not None or host_span is not None:
        _last.set((request_id, around, session, host_span))


def last_request_id() -> str | None:
    """The request id of the last call that began under the same enclosing call, session and host span as there are now."""
    last = _last.get()
    if last is None or last[1] is not _enclosing.get() or last[2] is not _session.get():
        return None
    return last[0] if last[3] == host_span() else None


def suppress() -> Token[bool]:
    """Record no calls in this context: a framework's hook records them already."""
    return _suppressed.set(True)


def unsuppress(token: Token[bool]) -> None:
    """Undo `suppress`."""
    try:
        _suppressed.reset(token)
    except ValueError:
        return


def host_span() -> HostSpan | None:
    """
    The host's active span, if the host uses OpenTelemetry and one is active.

    Looked up, never imported: a host without OpenTelemetry must not pay for it.
    """
    api = sys.modules.get(OPENTELEMETRY)
    if api is None:
        return None
    try:
        span = api.get_current_span()
        if span is api.INVALID_SPAN:
            # None is active: the usual case of a host that has the library only because something else needs it.
            return None
        found = span.get_span_context()
        if not found.is_valid:
            return None
        return HostSpan(found.trace_id, found.span_id, int(found.trace_flags))
    except Exception:
        # Half-imported or replaced by the host: then there is no span to speak of.
        return None


class Scope:
    """One time that a session was entered. A session may be entered by many tasks and threads, and inside itself."""

    __slots__ = ("made_by", "merged", "outer", "values")

    def __init__(self, made_by: "session", outer: "Scope | None", values: dict[str, Any]) -> None:
        self.made_by = made_by
        self.outer = outer
        self.values = values
        self.merged: dict[int, tuple[Any, Any]] = {}
        """Cache of `config.for_call`: settings below this session -> settings with it."""


class session:
    """
    `with session(thread_id="t1", user_id="u1"):` settings for every call inside, sync or async. May be nested, and entered again.

    An inner session inherits what it does not set; tags are merged.
    """

    __slots__ = ("_given",)

    def __init__(self, **settings: Any) -> None:
        self._given = settings

    def __enter__(self) -> "session":
        with guard("session"):
            self._enter()
        return self

    def _enter(self) -> None:
        from sdk_hooks.config import checked, merged

        outer = _session.get()
        inner = checked(self._given, "session")
        _session.set(Scope(self, outer, merged(outer.values, inner) if outer else inner))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        scope = _session.get()
        # In another context than it was entered in (async generators), there is nothing to undo.
        while scope is not None and scope.made_by is not self:
            scope = scope.outer
        if scope is not None:
            _session.set(scope.outer)

    async def __aenter__(self) -> "session":
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.__exit__(kind, error, trace)
