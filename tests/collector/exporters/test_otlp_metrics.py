"""
Histograms over real OTLP, both protocols: what arrives, how often, and what happens when a backend is away.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import structlog

from collector.errors import WrongSettings
from collector.exporters import MetricsExporter, open_metrics
from collector.exporters.otlp_histograms import POINTS_PER_PIECE
from collector.instruments import INSTRUMENTS, OPERATION_DURATION, SECONDS, TOKEN_USAGE
from collector.meter import Meter
from collector.spans import Measurement
from tests.fakes.otlp import Answer, OtlpReceiver
from tests.fakes.otlp_decoding import ReceivedPoint
from tests.fakes.spans import a_resource

START_NS = 1_764_000_000_000_000_000
MINUTE_NS = 60_000_000_000
BASE = "OTEL_EXPORTER_OTLP_"
METRICS = "OTEL_EXPORTER_OTLP_METRICS_"
DELTA = {f"{METRICS}TEMPORALITY_PREFERENCE": "delta"}


@dataclass
class Line:
    """A meter, its exporter, and the backend at the other end; each export is a minute after the one before."""

    meter: Meter
    exporter: MetricsExporter
    backend: OtlpReceiver
    protocol: str
    minutes: int = 0

    def took(self, *seconds: float, model: str = "gpt-4o", service: str = "shop") -> None:
        attributes = (("gen_ai.operation.name", "chat"), ("gen_ai.request.model", model))
        one = Measurement(metric=OPERATION_DURATION, attributes=attributes, values=seconds)
        self.meter.count("default", a_resource(service, **{"process.pid": 7}), [one])

    def export(self) -> list[ReceivedPoint]:
        """What the backend accepted of one export."""
        self.minutes += 1
        before = len(self.backend.points())
        self.exporter.export(START_NS + self.minutes * MINUTE_NS)
        return self.backend.points()[before:]

    def answer(self, http: int, grpc: str) -> Answer:
        return Answer(grpc if self.protocol == "grpc" else http)


def line_to(backend: OtlpReceiver, protocol: str, **environment: str) -> Line:
    meter = Meter(instance_id="collector-1", start_ns=START_NS)
    variables = {
        f"{BASE}ENDPOINT": backend.grpc_endpoint if protocol == "grpc" else backend.endpoint,
        f"{BASE}PROTOCOL": protocol,
        f"{BASE}HEADERS": "api-key=key-of-the-backend",
        f"{BASE}TIMEOUT": "2000",
    }
    exporter = open_metrics(variables | environment, meter)
    assert exporter is not None
    return Line(meter, exporter, backend, protocol)


@pytest.fixture(params=["http/protobuf", "grpc"])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    with OtlpReceiver() as backend:
        opened = line_to(backend, request.param)
        yield opened
        opened.exporter.close()


@pytest.fixture(params=["http/protobuf", "grpc"])
def deltas(request: pytest.FixtureRequest) -> Iterator[Line]:
    with OtlpReceiver() as backend:
        opened = line_to(backend, request.param, **DELTA)
        yield opened
        opened.exporter.close()


def test_histogram_arrives_as_it_was_counted(line: Line) -> None:
    """
    Name, unit, boundaries, buckets, sum, extremes, attributes, and the resource of the sending application.
    """
    line.took(0.005, 0.3, 100.0)
    (point,) = line.export()

    assert (OPERATION_DURATION, "s", "CUMULATIVE") == (point.metric, point.unit, point.temporality)
    assert (3, pytest.approx(100.305), 0.005, 100.0) == (point.count, point.total, point.least, point.most)
    assert SECONDS == point.boundaries
    assert [0, 5, 14] == [n for n, count in enumerate(point.buckets) if count == 1]
    assert {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"} == point.attributes
    assert ("shop", "collector-1") == (point.resource["service.name"], point.resource["service.instance.id"])
    assert "process.pid" not in point.resource
    assert "hookline" == point.scope[0]
    assert (START_NS, START_NS + MINUTE_NS) == (point.start_ns, point.at_ns)


def test_every_metric_of_the_conventions_has_its_boundaries(line: Line) -> None:
    """
    Durations and tokens differ; one more bucket than boundaries.
    """
    line.meter.count("default", a_resource(), [Measurement(metric=name, attributes=(), values=(3,)) for name in INSTRUMENTS])

    points = {point.metric: point for point in line.export()}
    assert set(INSTRUMENTS) == set(points)
    assert all(INSTRUMENTS[name].boundaries == point.boundaries for name, point in points.items())
    assert all(len(point.boundaries) + 1 == len(point.buckets) for point in points.values())
    assert "{token}" == points[TOKEN_USAGE].unit


def test_headers_and_place_are_those_of_metrics(line: Line) -> None:
    """
    The general endpoint gets the path of metrics, or their service.
    """
    line.took(1.0)
    line.export()

    (request,) = line.backend.requests()
    assert "key-of-the-backend" == request.headers["api-key"]
    assert ("Export metrics" if line.protocol == "grpc" else "/v1/metrics") == request.path


def test_cumulative_sums_go_on_from_the_start(line: Line) -> None:
    """
    Each export says everything, also where nothing was added.
    """
    line.took(1.0)
    first, again = line.export(), line.export()
    line.took(2.0)
    (last,) = line.export()

    assert [1, 1, 2] == [first[0].count, again[0].count, last.count]
    assert START_NS == last.start_ns
    assert [] == line_of_nothing(line)


def line_of_nothing(line: Line) -> list[ReceivedPoint]:
    """What a meter without calls exports."""
    with OtlpReceiver() as backend:
        empty = line_to(backend, line.protocol)
        exported = empty.export()
        empty.exporter.close()
        assert not backend.requests()
        return exported


def test_deltas_tell_what_was_added_since_the_last_that_arrived(deltas: Line) -> None:
    """
    Their start is the end of the one before; nothing added, nothing sent.
    """
    deltas.took(1.0)
    (first,) = deltas.export()
    deltas.took(2.0, 3.0)
    (second,) = deltas.export()
    assert [] == deltas.export()

    assert ("DELTA", 1, 2, 5.0) == (second.temporality, first.count, second.count, second.total)
    assert (first.at_ns, second.start_ns) == (second.start_ns, START_NS + MINUTE_NS)


@pytest.mark.parametrize(("http", "grpc"), [(503, "UNAVAILABLE"), (500, "INTERNAL"), (404, "UNIMPLEMENTED")])
def test_deltas_that_did_not_arrive_are_part_of_the_next(deltas: Line, http: int, grpc: str) -> None:
    """
    From the same start: an interval is never lost.
    """
    deltas.took(1.0)
    deltas.backend.will_answer(deltas.answer(http, grpc))
    assert [] == deltas.export()
    deltas.took(2.0)
    (point,) = deltas.export()

    assert (2, 3.0, START_NS) == (point.count, point.total, point.start_ns)


def test_failing_backend_is_told_once_and_healing_too(line: Line) -> None:
    """
    With what to do where a backend takes no metrics at all, as trace backends do.
    """
    line.took(1.0)
    line.backend.will_answer(*[line.answer(404, "UNIMPLEMENTED")] * 3)
    with structlog.testing.capture_logs() as logs:
        for _ in range(5):
            line.export()

    assert ["metrics_not_exported", "metrics_export_resumed"] == [entry["event"] for entry in logs]
    assert "OTEL_METRICS_EXPORTER=none" in logs[0]["hint"]


def test_backend_that_drops_points_is_told_of(line: Line) -> None:
    """
    A partial success is success: nothing is sent again.
    """
    line.took(1.0)
    # The messages of both signals have the number and the words in the same fields.
    line.backend.will_answer(Answer("OK" if line.protocol == "grpc" else 200, rejected_spans=1, message="too old"))
    with structlog.testing.capture_logs() as logs:
        line.export()

    assert [("metrics_rejected_by_backend", 1, "too old")] == [
        (entry["event"], entry["rejected"], entry["message"]) for entry in logs
    ]
    assert 1 == len(line.backend.requests())


def test_many_series_go_in_requests_of_limited_size(line: Line) -> None:
    """
    All arrive, each once.
    """
    for n in range(2 * POINTS_PER_PIECE + 1):
        line.took(1.0, model=f"m{n}")
    line.took(1.0, service="other")

    points = line.export()
    assert (
        2 * POINTS_PER_PIECE + 2 == len(points) == len({(str(p.resource), p.attributes["gen_ai.request.model"]) for p in points})
    )


def environment(**more: str) -> dict[str, str]:
    return {f"{BASE}ENDPOINT": "http://localhost:4318"} | more


@pytest.mark.parametrize(
    "variables",
    [
        {},
        environment(OTEL_METRICS_EXPORTER="none"),
        environment(OTEL_METRICS_EXPORTER="prometheus"),
        {f"{BASE}TRACES_ENDPOINT": "http://x"},
    ],
)
def test_metrics_are_off_without_an_endpoint_or_by_their_variable(variables: dict[str, str]) -> None:
    """
    A traces endpoint is for traces only.
    """
    assert open_metrics(variables, Meter(instance_id="c")) is None


@pytest.mark.parametrize(
    ("variables", "interval_s"),
    [(environment(), 60.0), (environment(OTEL_METRIC_EXPORT_INTERVAL="1500"), 1.5), ({f"{METRICS}ENDPOINT": "http://x/m"}, 60.0)],
)
def test_interval(variables: dict[str, str], interval_s: float) -> None:
    """
    A minute unless set, in milliseconds.
    """
    exporter = open_metrics(variables | {"OTEL_METRICS_EXPORTER": "prometheus,otlp"}, Meter(instance_id="c"))
    assert exporter is not None
    assert interval_s == exporter.interval_s
    exporter.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_METRIC_EXPORT_INTERVAL", "1m"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
        (f"{METRICS}TEMPORALITY_PREFERENCE", "sometimes"),
        (f"{METRICS}PROTOCOL", "http/json"),
        ("OTEL_METRICS_EXPORTER", "statsd"),
    ],
)
def test_wrong_value_stops_the_start_with_the_variables_name(name: str, value: str) -> None:
    """
    The person who set it should not have to search.
    """
    with pytest.raises(WrongSettings, match=name):
        open_metrics(environment(**{name: value}), Meter(instance_id="c"))


def test_settings_for_metrics_win_over_general_ones() -> None:
    """
    Here the endpoint: as it is, without a path appended.
    """
    with OtlpReceiver() as backend:
        line = line_to(backend, "http/protobuf", **{f"{METRICS}ENDPOINT": f"{backend.endpoint}/my/metrics"})
        line.took(1.0)
        line.export()
        line.exporter.close()
        assert "/my/metrics" == backend.requests()[0].path
