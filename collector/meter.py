"""
Adds up what settled calls measured: histograms, by application and attributes, since this process started.

Flow: pipeline -> **Meter** -> OTLP metrics, GET /metrics.
In memory only: what was counted since the last export dies with a crash, and a restart begins at nothing with a new start time,
as OpenTelemetry's own SDKs do. The number of series is bounded; what comes beyond is counted without its attributes.
"""

import json
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from collector.events import Resource
from collector.instruments import INSTRUMENTS
from collector.spans import Measurement

MAX_SERIES = 2_000
"""Of one metric of one application; OpenTelemetry's limit."""
MAX_SERVICES = 1_000
MAX_RESOURCES = 4_000
"""Processes of applications that are found without comparing."""
MAX_VALUE_CHARS = 255
OVERFLOW = (("otel.metric.overflow", "true"),)

# A process or machine of the application is not what its metrics are of: each would start series of its own, and Prometheus
# can't tell two of them apart. What counts is this collector, the one writer of the series.
_INSTANCE = ("process.", "host.", "os.", "container.", "k8s.pod.", "k8s.node.", "faas.instance", "thread.", "service.instance.id")
INSTANCE_ID = "service.instance.id"
PROJECT, DEFAULT_PROJECT = "hookline.project", "default"

Attributes = tuple[tuple[str, str], ...]
SeriesKey = tuple[str, str, Attributes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Values by bucket; the last bucket is for those beyond the last boundary."""

    buckets: tuple[int, ...]
    total: float
    least: float | None = None
    most: float | None = None

    @property
    def count(self) -> int:
        return sum(self.buckets)

    def since(self, before: "Histogram") -> "Histogram":
        """What was added after `before`. Its least and most are not known."""
        buckets = tuple(now - then for now, then in zip(self.buckets, before.buckets, strict=True))
        return Histogram(buckets=buckets, total=self.total - before.total)

    def plus(self, other: "Histogram") -> "Histogram":
        """Both together."""
        buckets = tuple(one + more for one, more in zip(self.buckets, other.buckets, strict=True))
        return Histogram(buckets=buckets, total=self.total + other.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One histogram, and what it is of."""

    service: str
    """Names the application inside one meter."""
    project: str
    resource: Mapping[str, Any] = field(repr=False)
    metric: str
    attributes: Attributes
    start_ns: int
    """Nothing was counted before."""
    histogram: Histogram

    @property
    def key(self) -> SeriesKey:
        return self.service, self.metric, self.attributes


@dataclass(slots=True)
class _Sums:
    # Fractions: a call may stand for 3.3 others. They are rounded when told, so that no error adds up.
    buckets: list[float]
    total: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")

    def add(self, values: Sequence[float], weight: float, boundaries: Sequence[float]) -> None:
        """Some values, at least one."""
        buckets, total = self.buckets, self.total
        for value in values:
            buckets[bisect_left(boundaries, value)] += weight
            total += value * weight
        self.total = total
        self.least = min(self.least, *values)
        self.most = max(self.most, *values)

    def told(self) -> Histogram:
        buckets = tuple(int(count + 0.5) for count in self.buckets)
        return Histogram(buckets=buckets, total=self.total, least=self.least, most=self.most)


@dataclass(slots=True)
class _Service:
    project: str
    resource: Mapping[str, Any]
    metrics: dict[str, dict[Attributes, _Sums]] = field(default_factory=dict[str, dict[Attributes, _Sums]])


class Meter:
    """Every call of this process. From any thread."""

    def __init__(self, *, instance_id: str, start_ns: int | None = None) -> None:
        self.start_ns = time.time_ns() if start_ns is None else start_ns
        self._instance_id = instance_id
        self._lock = threading.Lock()
        self._services: dict[str, _Service] = {}
        self._by_resource: dict[tuple[str, str], _Service] = {}

    def count(self, project: str, resource: Resource, measurements: Iterable[Measurement]) -> None:
        """Add what one call measured. Whoever calls does so once a call."""
        with self._lock:
            service = self._service(project, resource)
            for one in measurements:
                boundaries = INSTRUMENTS[one.metric].boundaries
                series = service.metrics.setdefault(one.metric, {})
                # Nearly always there, as it is: only what is not found is cut and counted.
                sums = series.get(one.attributes) or _sums(series, _cut(one.attributes), len(boundaries) + 1)
                if one.values:
                    sums.add(one.values, one.weight, boundaries)

    def series(self) -> tuple[Series, ...]:
        """All that was counted so far, as it is now."""
        with self._lock:
            return tuple(
                Series(
                    service=name,
                    project=service.project,
                    resource=service.resource,
                    metric=metric,
                    attributes=attributes,
                    start_ns=self.start_ns,
                    histogram=sums.told(),
                )
                for name, service in self._services.items()
                for metric, by_attributes in service.metrics.items()
                for attributes, sums in by_attributes.items()
            )

    def _service(self, project: str, resource: Resource) -> _Service:
        """Found by the resource's name, which is a hash of it: comparing attributes costs more than all the counting."""
        key = project, resource.resource_id
        found = self._by_resource.get(key)
        if found is None:
            if len(self._by_resource) >= MAX_RESOURCES:
                self._by_resource.clear()
            found = self._by_resource[key] = self._find_service(project, resource)
        return found

    def _find_service(self, project: str, resource: Resource) -> _Service:
        about = service_attributes(resource)
        if project != DEFAULT_PROJECT:
            about[PROJECT] = project
        key = json.dumps([project, about], sort_keys=True, default=str)
        if key not in self._services and len(self._services) >= MAX_SERVICES:
            about, project, key = {"service.name": "unknown_service", **dict(OVERFLOW)}, "", ""
        found = self._services.get(key)
        if found is None:
            found = self._services[key] = _Service(project=project, resource=about | {INSTANCE_ID: self._instance_id})
        return found


def service_attributes(resource: Resource) -> dict[str, Any]:
    """The application's resource without what names one process or machine of it."""
    kept = {name: value for name, value in resource.attributes.items() if not name.startswith(_INSTANCE)}
    return {"service.name": resource.service or "unknown_service"} | kept


def _cut(attributes: Attributes) -> Attributes:
    return tuple((name, value[:MAX_VALUE_CHARS]) for name, value in attributes)


def _sums(by_attributes: dict[Attributes, _Sums], attributes: Attributes, size: int) -> _Sums:
    if attributes not in by_attributes and len(by_attributes) >= MAX_SERIES:
        attributes = OVERFLOW
    found = by_attributes.get(attributes)
    if found is None:
        found = by_attributes[attributes] = _Sums(buckets=[0.0] * size)
    return found
