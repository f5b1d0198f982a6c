"""
What an exporter is: it encodes one span once, and says of each span it was given what became of it.

Flow: pipeline -> **Exporter** (spans), **MetricsExporter** -> a backend.
`tests/collector/exporters/test_contract.py` holds every exporter of spans to this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from collector.events import Resource
from collector.spans import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The backend has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """
    Try again. `after_s` is the backend's own wish, None where it told none.

    `is_about_span` where the backend works but stumbles over this one span: its neighbours need not wait for it.
    """

    reason: str
    after_s: float | None = None
    is_about_span: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The backend will never take it as it is."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Barred:
    """The backend takes nothing of ours as we are set up: a key, an address. No span is to blame; a person has to mend it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Untried:
    """There was no time left for it: nothing of it has left."""


Outcome = Sent | Later | Refused | Barred | Untried


class Exporter(Protocol):
    """One destination. Used by one thread at a time for `send`; `encode` may be called from another meanwhile."""

    @property
    def destination(self) -> str:
        """The name under which the work table keeps its state; the key in EXPORTERS."""
        ...

    @property
    def rejected_spans(self) -> int:
        """Spans of accepted requests that the backend said it dropped (OTLP partial success), since the start."""
        ...

    @property
    def longest_send_s(self) -> float:
        """`send` has ended by then: claims are leased for longer."""
        ...

    def encode(self, span: Span) -> bytes:
        """
        The span as it will be sent. MUST be deterministic, and MUST NOT fail because of an attribute's value.

        Raises ValueError where the span has no usable ids: such a span can be sent nowhere.
        """
        ...

    def send(self, resource: Resource, spans: Sequence[bytes]) -> list[Outcome]:
        """
        Send encoded spans of one resource; the outcomes in the same order. MUST NOT raise for what a backend or network does.

        MUST end in bounded time: what could not be tried is Untried. MUST NOT say Refused of a span, or Later about a span,
        while there is no sign that the backend takes anything at all: a whole backlog would die of one wrong setting.
        """
        ...

    def wind_down(self) -> None:
        """The process is to end: what runs may end, nothing new is begun. From another thread than `send`'s."""
        ...

    def close(self) -> None:
        """Let go of connections and files. May be called while `send` runs in another thread, and twice."""
        ...


class MetricsExporter(Protocol):
    """Sends what a meter has. Used by one thread at a time."""

    @property
    def interval_s(self) -> float:
        """How often to export."""
        ...

    def export(self, now_ns: int) -> bool:
        """Send; whether all of it arrived. MUST NOT raise for what a backend or network does, and MUST end in bounded time."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSettings:
    """What tells which exporters there are."""

    environment: Mapping[str, str]
    """The OTEL_* variables."""
    jsonl_path: Path | None = None
