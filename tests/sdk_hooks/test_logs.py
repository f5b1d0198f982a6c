"""The host's log lines carry the ids of the calls they belong to."""

import asyncio
import contextvars
import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider

from sdk_hooks import LogFilter, log_ids, observe, session
from tests.fakes.collected import recording
from tests.sdk_hooks.calls import chat

TRACER = TracerProvider().get_tracer("host")


class Lines:
    """A logger of a host, with our filter on its handler."""

    def __init__(self, **options: Any) -> None:
        self.text = io.StringIO()
        self._handler = logging.StreamHandler(self.text)
        self._handler.setFormatter(logging.Formatter("%(message)s [%(request_id)s] [%(trace_id)s] [%(span_id)s]"))
        self._handler.addFilter(LogFilter(**options))
        self.logger = logging.getLogger("tests.host")
        self.logger.propagate = False
        self.logger.setLevel("INFO")

    def __enter__(self) -> "Lines":
        self.logger.addHandler(self._handler)
        return self

    def __exit__(self, *_: object) -> None:
        self.logger.removeHandler(self._handler)

    def said(self) -> dict[str, list[str]]:
        """Message -> the three ids."""
        found: dict[str, list[str]] = {}
        for line in self.text.getvalue().splitlines():
            message, *ids = line.replace("]", "").split(" [")
            found[message] = ids
        return found


@pytest.fixture
def lines() -> Iterator[Lines]:
    with Lines() as found:
        yield found


def test_lines_outside_of_everything_have_empty_ids(lines: Lines):
    """A format that names the ids must not fail; a call that is long over must not be named."""
    with recording():
        chat().complete()
        lines.logger.info("later")

    assert {"later": ["", "", ""]} == lines.said()


def test_lines_inside_observe_name_the_call_around(lines: Lines):
    """Also after a call inside it; a tool names the call that it is of."""
    with recording() as events:
        with observe("planner"):
            lines.logger.info("before")
            chat().complete()
            lines.logger.info("after")
            with observe("search", kind="tool"):
                lines.logger.info("in the tool")
        lines.logger.info("outside")
        events.flush()
        agent = events.of("agent:request:started")[0]["requestId"]

    assert [agent, agent, agent, ""] == [ids[0] for ids in lines.said().values()]


def test_lines_after_a_call_name_it_while_its_surroundings_last(lines: Lines):
    """In a session the last call, and in another session none."""
    with recording() as events:
        with session(user_id="u1"):
            lines.logger.info("nothing yet")
            first = chat()
            lines.logger.info("after the first")
            first.complete()
            chat().complete()
            lines.logger.info("after the second")
            with observe("planner"):
                chat().complete()
            lines.logger.info("after the agent")
        with session(user_id="u2"):
            lines.logger.info("another session")
        events.flush()
        one, two, _ = (event["requestId"] for event in events.of("text:request:started"))
        agent = events.of("agent:request:started")[0]["requestId"]

    assert ["", one, two, agent, ""] == [ids[0] for ids in lines.said().values()]


def test_lines_inside_a_host_span_have_its_ids(lines: Lines):
    """With the last call made in that span, which is the parent of the call's span."""
    with recording() as events:
        with TRACER.start_as_current_span("POST /chat") as span:
            chat().complete()
            lines.logger.info("in the span")
            with TRACER.start_as_current_span("inner") as inner:
                lines.logger.info("in another span")
        lines.logger.info("outside")
        events.flush()
        started = events.of("text:request:started")[0]

    of_span, of_inner = (f"{one.get_span_context().span_id:016x}" for one in (span, inner))
    trace = f"{span.get_span_context().trace_id:032x}"
    assert {
        "in the span": [started["requestId"], trace, of_span],
        "in another span": ["", trace, of_inner],
        "outside": [""] * 3,
    } == lines.said()
    assert started["traceparent"].startswith(f"00-{trace}-{of_span}-")


def test_a_thread_with_the_context_of_an_agent_knows_its_trace(lines: Lines):
    """The host's span is not active there if the host's tracing did not take it along; the agent's is known."""
    with recording(), TRACER.start_as_current_span("POST") as span, observe("planner"):
        from opentelemetry import context as otel

        inside = contextvars.copy_context()
        inside.run(otel.attach, otel.Context())
        inside.run(lines.logger.info, "elsewhere")

    assert f"{span.get_span_context().trace_id:032x}" == lines.said()["elsewhere"][1]


async def test_tasks_do_not_name_each_others_calls(lines: Lines):
    """Two requests at once, in one session each or in one for both."""

    async def work(name: str) -> str:
        call = chat()
        await asyncio.sleep(0.001)
        lines.logger.info(name)
        call.complete()
        return call.request_id

    with recording(), session(user_id="u"):
        one, two = await asyncio.gather(work("one"), work("two"))

    assert [one, two] == [lines.said()[name][0] for name in ("one", "two")]


def test_a_call_that_is_not_recorded_is_not_named(lines: Lines):
    """Its id leads nowhere: neither a sampled-out call nor a disabled one is in any database."""
    with recording(sample_rate=0.0), session(user_id="u"):
        chat().complete()
        lines.logger.info("not sampled")
        with observe("planner"):
            lines.logger.info("in an agent that is not sampled")

    assert [["", "", ""]] * 2 == list(lines.said().values())


def test_what_a_record_has_already_stays():
    """Many hosts have a request id of their own; a prefix keeps both."""
    with recording(), observe("planner"), Lines() as lines, Lines(prefix="hookline_"):
        lines.logger.info("theirs", extra={"request_id": "http-1"})
        record = logging.LogRecord("x", 20, "", 1, "m", None, None)
        LogFilter("hookline_").filter(record)

    assert "http-1" == lines.said()["theirs"][0]
    assert record.__dict__["hookline_request_id"].startswith("req-")
    assert not hasattr(record, "request_id")


def test_structlog_events_get_the_ids_there_are():
    """No empty ones, and those of the event stay."""
    with structlog.testing.capture_logs(processors=[log_ids]) as logs, recording():
        log = structlog.get_logger()
        log.info("outside")
        with observe("planner"):
            log.info("inside")
            log.info("theirs", request_id="http-1")

    assert "request_id" not in logs[0]
    assert logs[1]["request_id"].startswith("req-")
    assert "http-1" == logs[2]["request_id"]
