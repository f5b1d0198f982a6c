"""
Adding up what calls measured.
"""

from typing import Any

import pytest

from collector.events import Resource
from collector.instruments import OPERATION_DURATION, SECONDS
from collector.meter import MAX_SERIES, MAX_SERVICES, Meter, Series
from collector.spans import Measurement


def resource(service: str = "shop", **attributes: Any) -> Resource:
    return Resource(resource_id=service, service=service, attributes={"service.name": service, **attributes})


def took(*seconds: float, weight: float = 1.0, **attributes: str) -> Measurement:
    return Measurement(metric=OPERATION_DURATION, attributes=tuple(attributes.items()), values=seconds, weight=weight)


def a_meter() -> Meter:
    return Meter(instance_id="c1", start_ns=1)


def only(meter: Meter) -> Series:
    (series,) = meter.series()
    return series


def test_a_value_belongs_to_the_bucket_whose_boundary_it_does_not_exceed() -> None:
    """
    Boundaries are upper ones and included; what is beyond the last has a bucket of its own.
    """
    for value, bucket in ((0.0, 0), (0.01, 0), (0.010001, 1), (81.92, len(SECONDS) - 1), (81.93, len(SECONDS))):
        meter = a_meter()
        meter.count("default", resource(), [took(value)])
        assert [bucket] == [n for n, count in enumerate(only(meter).histogram.buckets) if count]


def test_counts_sums_and_extremes_add_up() -> None:
    """
    Over calls and their values, by attributes.
    """
    meter = a_meter()
    meter.count("default", resource(), [took(0.5, 2.0, model="a")])
    meter.count("default", resource(), [took(0.25, model="a"), took(9.0, model="b")])

    found = {series.attributes: series.histogram for series in meter.series()}
    first = found[("model", "a"),]
    assert (3, 2.75, 0.25, 2.0) == (first.count, first.total, first.least, first.most)
    assert 1 == found[("model", "b"),].count


def test_weights_are_rounded_when_told_not_when_added() -> None:
    """
    Three calls that each stand for 3.4 are ten, not nine.
    """
    meter = a_meter()
    for _ in range(3):
        meter.count("default", resource(), [took(1.0, weight=3.4)])

    histogram = only(meter).histogram
    assert (10, pytest.approx(10.2)) == (histogram.count, histogram.total)


def test_processes_of_an_application_are_one() -> None:
    """
    Its name, version and environment stay; process and machine go, and the collector is the instance.
    """
    meter = a_meter()
    for pid in (7, 8):
        about = {"process.pid": pid, "host.name": f"h{pid}", "service.instance.id": f"i{pid}", "service.version": "1.2"}
        meter.count("default", resource(**about), [took(1.0)])

    series = only(meter)
    assert 2 == series.histogram.count
    assert {"service.name": "shop", "service.version": "1.2", "service.instance.id": "c1"} == dict(series.resource)


def test_projects_are_told_apart() -> None:
    """
    The default one has no attribute for it.
    """
    meter = a_meter()
    for project in ("default", "other"):
        meter.count(project, resource(), [took(1.0)])

    assert [None, "other"] == [series.resource.get("hookline.project") for series in meter.series()]


def test_too_many_series_are_counted_without_their_attributes() -> None:
    """
    As OpenTelemetry does: nothing is lost but what it was of. Services are limited likewise.
    """
    meter = a_meter()
    for n in range(MAX_SERIES + 10):
        meter.count("default", resource(), [took(1.0, model=str(n))])
    found = {series.attributes: series.histogram.count for series in meter.series()}
    assert 10 == found[("otel.metric.overflow", "true"),]
    assert MAX_SERIES + 10 == sum(found.values())

    meter = a_meter()
    for n in range(MAX_SERVICES + 5):
        meter.count("default", resource(f"s{n}"), [took(1.0)])
    overflow = [series for series in meter.series() if series.resource.get("otel.metric.overflow")]
    assert [5] == [series.histogram.count for series in overflow]


def test_long_names_are_cut() -> None:
    """
    A model's name comes from outside.
    """
    meter = a_meter()
    meter.count("default", resource(), [took(1.0, model="m" * 10_000)])

    assert 255 == len(only(meter).attributes[0][1])
