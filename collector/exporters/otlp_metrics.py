"""
Sends histograms to one OTLP endpoint: as sums since the start, or as what was added since the last time.

Flow: meter -> **OtlpMetrics** -> exporters.delivery -> transport -> an OpenTelemetry backend.
Unlike spans nothing waits in the database: cumulative sums say everything again the next time, and deltas that a backend did not
take are part of the next ones.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import structlog
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from collector.errors import WrongSettings
from collector.exporters.delivery import Limits, deliver
from collector.exporters.otlp_answers import Accepted, Answer
from collector.exporters.otlp_histograms import encode_series
from collector.exporters.otlp_settings import OtlpSettings
from collector.exporters.otlp_transport import MAX_REQUEST_BYTES, open_transport
from collector.exporters.protocol import Outcome, Sent, Untried
from collector.meter import Histogram, Meter, Series, SeriesKey

log: Any = structlog.get_logger(__name__)

INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
TEMPORALITY = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
DEFAULT_INTERVAL_MS = 60_000
BUDGET_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsOptions:
    """`is_delta`: each export tells what was added since the last one that arrived."""

    interval_s: float = DEFAULT_INTERVAL_MS / 1000
    is_delta: bool = False


def read_metrics_options(environment: Mapping[str, str]) -> MetricsOptions:
    """OTEL_METRIC_EXPORT_INTERVAL and the preferred temporality. Raises WrongSettings."""
    preference = environment.get(TEMPORALITY, "").strip().lower() or "cumulative"
    # "lowmemory" means deltas for what we have; it differs for instruments that we don't.
    if preference not in ("cumulative", "delta", "lowmemory"):
        raise WrongSettings(f"{TEMPORALITY}: {preference[:40]!r} is not known: set cumulative, delta or lowmemory.")
    interval = environment.get(INTERVAL, "").strip() or str(DEFAULT_INTERVAL_MS)
    if not (interval.isascii() and interval.isdecimal()) or int(interval) == 0:
        raise WrongSettings(f"{INTERVAL}: {interval[:40]!r} is no time: set whole milliseconds, 60000 for a minute.")
    return MetricsOptions(interval_s=min(int(interval), 86_400_000) / 1000, is_delta=preference != "cumulative")


class _Arrived(NamedTuple):
    """The sums that a backend was told last, and when."""

    histogram: Histogram
    at_ns: int


class OtlpMetrics:
    """The meter's histograms to one OTLP endpoint."""

    def __init__(
        self,
        meter: Meter,
        settings: OtlpSettings,
        options: MetricsOptions,
        *,
        max_request_bytes: int = MAX_REQUEST_BYTES,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._meter = meter
        self._options = options
        self._limits = Limits(request_bytes=max_request_bytes, budget_s=BUDGET_S)
        self._monotonic_s = monotonic_s
        self._transport = open_transport(settings, parse_response)
        self._arrived: dict[SeriesKey, _Arrived] = {}
        self._is_failing = False

    @property
    def interval_s(self) -> float:
        return self._options.interval_s

    def export(self, now_ns: int) -> bool:
        series = self._meter.series()
        told = [self._added(one) for one in series] if self._options.is_delta else series
        pieces = encode_series(told, now_ns=now_ns, is_delta=self._options.is_delta)
        outcomes = deliver([piece.encoded for piece in pieces], self._post, limits=self._limits, monotonic_s=self._monotonic_s)
        if self._options.is_delta:
            sums = {one.key: one.histogram for one in series}
            arrived = (piece for piece, outcome in zip(pieces, outcomes, strict=True) if isinstance(outcome, Sent))
            self._arrived |= {one.key: _Arrived(sums[one.key], now_ns) for piece in arrived for one in piece.series}
        failures = [_reason(outcome) for outcome in outcomes if not isinstance(outcome, Sent)]
        self._tell(failures)
        return not failures

    def close(self) -> None:
        self._transport.close()

    def _added(self, series: Series) -> Series:
        """What was added since it last arrived."""
        before = self._arrived.get(series.key)
        if before is None:
            return series
        return replace(series, histogram=series.histogram.since(before.histogram), start_ns=before.at_ns)

    def _post(self, pieces: Sequence[bytes]) -> Answer:
        answer = self._transport.post(b"".join(pieces))
        if isinstance(answer, Accepted) and (answer.rejected or answer.message):
            log.warning("metrics_rejected_by_backend", rejected=answer.rejected, message=answer.message)
        return answer

    def _tell(self, failures: Sequence[str]) -> None:
        """One line when it begins to fail, one when it works again: the next export says the same and more."""
        if failures and not self._is_failing:
            hint = "if this backend takes no metrics, set OTEL_METRICS_EXPORTER=none"
            log.warning("metrics_not_exported", reason=failures[0], hint=hint)
        elif self._is_failing and not failures:
            log.info("metrics_export_resumed")
        self._is_failing = bool(failures)


def _reason(outcome: Outcome) -> str:
    return "no time was left for it" if isinstance(outcome, Sent | Untried) else outcome.reason


def parse_response(body: bytes) -> Accepted:
    """What an ExportMetricsServiceResponse says. Raises ValueError where it is none."""
    try:
        partial = ExportMetricsServiceResponse.FromString(body).partial_success
    except DecodeError as exc:
        raise ValueError("not an ExportMetricsServiceResponse") from exc
    return Accepted(rejected=max(partial.rejected_data_points, 0), message=partial.error_message)
