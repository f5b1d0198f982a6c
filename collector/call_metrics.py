"""
The calls' histograms for Prometheus: the same sums that go out over OTLP.

Flow: meter -> **families** -> metrics -> GET /metrics.
Names are OpenTelemetry's as Prometheus writes them: dots become underscores, seconds are said in the name.
"""

from collections.abc import Iterable, Iterator

from prometheus_client.core import HistogramMetricFamily

from collector.instruments import INSTRUMENTS, Instrument
from collector.meter import Histogram, Series

SERVICE = "service_name"

Labels = tuple[tuple[str, str], ...]


class CallFamilies:
    """One look at the meter, as a registry that `generate_latest` can read."""

    def __init__(self, series: Iterable[Series]) -> None:
        self._series = tuple(series)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """A family for each metric that has values."""
        for instrument in INSTRUMENTS.values():
            by_labels = self._of(instrument.name)
            if by_labels:
                yield _family(instrument, by_labels)

    def _of(self, metric: str) -> dict[Labels, Histogram]:
        """Versions and environments of a service are one series here, where only its name is a label."""
        found: dict[Labels, Histogram] = {}
        for one in self._series:
            if one.metric == metric:
                told = {SERVICE: str(one.resource.get("service.name", ""))}
                labels = tuple((told | {name.replace(".", "_"): value for name, value in one.attributes}).items())
                found[labels] = found[labels].plus(one.histogram) if labels in found else one.histogram
        return found


def _family(instrument: Instrument, by_labels: dict[Labels, Histogram]) -> HistogramMetricFamily:
    names = sorted({name for labels in by_labels for name, _ in labels})
    family = HistogramMetricFamily(_name(instrument), instrument.description, labels=names)
    for labels, histogram in by_labels.items():
        values = dict(labels)
        family.add_metric([values.get(name, "") for name in names], _cumulative(instrument, histogram), histogram.total)
    return family


def _name(instrument: Instrument) -> str:
    return instrument.name.replace(".", "_") + ("_seconds" if instrument.unit == "s" else "")


def _cumulative(instrument: Instrument, histogram: Histogram) -> list[tuple[str, float]]:
    """Prometheus' buckets hold all that is no larger."""
    told: list[tuple[str, float]] = []
    so_far = 0
    for boundary, count in zip((*instrument.boundaries, "+Inf"), histogram.buckets, strict=True):
        so_far += count
        told.append((boundary if isinstance(boundary, str) else str(float(boundary)), float(so_far)))
    return told
