"""
What every exporter does, whatever it sends to: a new row in EXPORTERS joins here with a way to see what arrived.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from collector.exporters import EXPORTERS, Exporter, ExportSettings, Later, Sent, Untried, open_exporters
from tests.fakes.otlp import Answer, OtlpReceiver
from tests.fakes.spans import a_resource, a_span


@dataclass(frozen=True)
class Tried:
    """An exporter and how to see what arrived: (span id, name, service, attributes) each."""

    exporter: Exporter
    arrived: Callable[[], list[tuple[str, str, Any, Any]]]
    break_it: Callable[[], None]
    """For good."""
    turn_away: Callable[[bool], None]
    """True: take nothing for now; False: take everything again."""


def _otlp(stack: ExitStack, folder: Path, **environment: str) -> Tried:
    receiver = stack.enter_context(OtlpReceiver())
    endpoint = receiver.grpc_endpoint if environment.get("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc" else receiver.endpoint
    is_grpc = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc"
    (exporter,) = open_exporters(ExportSettings(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **environment}))

    def turn_away(is_away: bool) -> None:
        receiver.judge = (lambda spans: Answer("UNAVAILABLE" if is_grpc else 503)) if is_away else None

    return Tried(
        exporter,
        lambda: [(span.span_id, span.name, span.resource["service.name"], span.attributes) for span in receiver.spans()],
        lambda: receiver.__exit__(),
        turn_away,
    )


def _jsonl(stack: ExitStack, folder: Path) -> Tried:
    path = folder / "spans.jsonl"
    (exporter,) = open_exporters(ExportSettings(environment={}, jsonl_path=path))

    def arrived() -> list[tuple[str, str, Any, Any]]:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return [(line["span_id"], line["name"], line["resource"]["service.name"], line["attributes"]) for line in lines]

    def break_it() -> None:
        path.mkdir()

    def turn_away(is_away: bool) -> None:
        if is_away:
            path.symlink_to("/dev/full")
        else:
            path.unlink()

    path.unlink()
    return Tried(exporter, arrived, break_it, turn_away)


WAYS: dict[str, Callable[[ExitStack, Path], Tried]] = {
    "otlp": _otlp,
    "otlp gzip": lambda stack, folder: _otlp(stack, folder, OTEL_EXPORTER_OTLP_COMPRESSION="gzip"),
    "otlp grpc": lambda stack, folder: _otlp(stack, folder, OTEL_EXPORTER_OTLP_PROTOCOL="grpc"),
    "otlp grpc gzip": lambda stack, folder: _otlp(
        stack, folder, OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_EXPORTER_OTLP_COMPRESSION="gzip"
    ),
    "jsonl": _jsonl,
}


@pytest.fixture(params=list(WAYS))
def tried(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tried]:
    with ExitStack() as stack:
        made = WAYS[request.param](stack, tmp_path)
        yield made
        made.exporter.close()


def test_every_exporter_is_tried_here() -> None:
    """
    A new row of EXPORTERS fails this test until it has a way here.
    """
    assert set(EXPORTERS) == {way.split()[0] for way in WAYS}


def test_destination_is_the_name_in_the_table(tried: Tried) -> None:
    """
    The work table and EXPORTERS call a destination the same.
    """
    assert tried.exporter.destination in EXPORTERS


def test_spans_arrive_with_the_resource_of_their_sender(tried: Tried) -> None:
    """
    Two applications stay two services, and every span arrives once.
    """
    first = tried.exporter.send(a_resource("shop"), [tried.exporter.encode(a_span(1)), tried.exporter.encode(a_span(2))])
    second = tried.exporter.send(a_resource("bank"), [tried.exporter.encode(a_span(3))])

    assert [Sent(), Sent(), Sent()] == first + second
    assert [(f"{n:016x}", f"chat gpt-{n}", service) for n, service in ((1, "shop"), (2, "shop"), (3, "bank"))] == [
        told[:3] for told in tried.arrived()
    ]


def test_encoding_is_deterministic(tried: Tried) -> None:
    """
    The same span gives the same bytes, whatever the order of its attributes.
    """
    attributes = {"b": "2", "a": 1, "c": [1.5, 2.5]}
    there = tried.exporter.encode(a_span(attributes=attributes))
    back = tried.exporter.encode(a_span(attributes=dict(reversed(attributes.items()))))

    assert there == back


def test_bad_values_cost_neither_span_nor_batch(tried: Tried) -> None:
    """
    None, lone surrogates, NUL, foreign types, huge numbers and texts, times before 1970: the span and its neighbour arrive.
    """
    bad = a_span(
        1,
        name="chat \ud83d\0",
        start_ns=-5,
        end_ns=-7,
        error_message="\udfff",
        status="error",
        attributes={
            "none": None,
            "surrogate": "a\ud800b",
            "nul": "a\0b",
            "object": object(),
            "huge": 2**80,
            "nan": float("nan"),
            "long": "x" * 3_000_000,
            "mixed": [1, "a", None],
            "deep": {"a": {"b": [{"c": object()}]}},
            "": "no name",
            "bytes": b"\xff\x00",
        },
    )
    outcomes = tried.exporter.send(
        a_resource(odd="\ud800", none=None), [tried.exporter.encode(bad), tried.exporter.encode(a_span(2))]
    )

    assert [Sent(), Sent()] == outcomes
    (_, name, _, told), (second, *_) = tried.arrived()
    assert "chat ��" == name
    assert f"{2:016x}" == second
    assert "none" not in told
    assert "a�b" == told["surrogate"] == told["nul"]
    assert len(told["long"]) < 300_000
    assert "characters cut" in told["long"]
    assert ["1", "a"] == told["mixed"]


def test_span_without_usable_ids_is_told(tried: Tried) -> None:
    """
    A span without ids can be sent nowhere: ValueError, before it is queued.
    """
    with pytest.raises(ValueError):
        tried.exporter.encode(a_span(trace_id=""))


def test_broken_destination_keeps_the_span(tried: Tried) -> None:
    """
    What can't be delivered now is Later with a reason; nothing is raised.
    """
    encoded = tried.exporter.encode(a_span())
    tried.break_it()

    (outcome,) = tried.exporter.send(a_resource(), [encoded])

    assert isinstance(outcome, Later)
    assert outcome.reason


def test_spans_that_waited_arrive_once_when_the_destination_is_back(tried: Tried) -> None:
    """
    However often they were turned away.
    """
    encoded = [tried.exporter.encode(a_span(n)) for n in (1, 2)]
    tried.turn_away(True)
    for _ in range(3):
        outcomes = tried.exporter.send(a_resource(), encoded)
        assert [Later, Later] == [type(outcome) for outcome in outcomes]
        assert not any(outcome.is_about_span for outcome in outcomes if isinstance(outcome, Later))

    tried.turn_away(False)
    assert [Sent(), Sent()] == tried.exporter.send(a_resource(), encoded)
    assert [f"{1:016x}", f"{2:016x}"] == [told[0] for told in tried.arrived()]


def test_nothing_is_said_of_spans_that_were_not_given(tried: Tried) -> None:
    """
    One outcome a span, also for none.
    """
    assert [] == tried.exporter.send(a_resource(), [])


def test_ending_process_begins_nothing_new(tried: Tried) -> None:
    """
    After winding down a send is done whole or not at all, and says which.
    """
    tried.exporter.wind_down()

    (outcome,) = tried.exporter.send(a_resource(), [tried.exporter.encode(a_span(1))])

    assert (outcome, len(tried.arrived())) in ((Sent(), 1), (Untried(), 0))


def test_closing_twice_is_fine(tried: Tried) -> None:
    """
    Stopping may come to it twice.
    """
    tried.exporter.close()
    tried.exporter.close()


def test_nothing_is_opened_without_settings() -> None:
    """
    No endpoint, no file: no exporter, so nothing is queued.
    """
    assert () == open_exporters(
        ExportSettings(environment={"OTEL_EXPORTER_OTLP_HEADERS": "a=b", "OTEL_EXPORTER_OTLP_ENDPOINT": " "})
    )
