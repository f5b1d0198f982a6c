"""The host's OpenTelemetry span and the calls around a call."""

import asyncio

from opentelemetry.sdk.trace import TracerProvider

from sdk_hooks import context, observe
from tests.fakes.collected import recording
from tests.sdk_hooks.calls import chat

TRACER = TracerProvider().get_tracer("test")


def test_host_span_is_the_traceparent():
    """The span that is active when the call starts, as W3C writes it; without one there is none."""
    with recording() as events:
        chat().complete()
        with TRACER.start_as_current_span("request") as span:
            call = chat()
        call.complete()
        events.flush()

    about = span.get_span_context()
    without, started, *_ = events.of("text:request:started")
    assert "traceparent" not in without
    assert f"00-{about.trace_id:032x}-{about.span_id:016x}-{int(about.trace_flags):02x}" == started["traceparent"]
    assert started["traceparent"] == events.events[-1]["traceparent"]


def test_nested_call_without_a_newer_span_names_its_parent_and_the_roots_span():
    """Inside one host span: parent and root, and the root's traceparent."""
    with recording() as events:
        with TRACER.start_as_current_span("request"), observe("agent"):
            chat().complete()
        events.flush()

    agent, inner = events.of("agent:request:started")[0], events.of("text:request:started")[0]
    assert agent["requestId"] == inner["parentRequestId"]
    assert agent["traceparent"] == inner["traceparent"]


def test_nested_call_in_a_newer_span_sends_that_span_alone():
    """The host opened a span inside the agent run: that span is the parent, no call is named."""
    with recording() as events:
        with TRACER.start_as_current_span("request"), observe("agent"), TRACER.start_as_current_span("step") as step:
            chat().complete()
        events.flush()

    inner = events.of("text:request:started")[0]
    assert f"{step.get_span_context().span_id:016x}" in inner["traceparent"]
    assert "parentRequestId" not in inner
    assert "rootRequestId" not in inner


def test_nested_call_after_the_hosts_span_ended_keeps_its_parent():
    """No span is active any more: nothing newer, so the enclosing call is the parent."""
    with recording() as events:
        span = TRACER.start_span("request")
        with observe("agent"):
            chat().complete()
        span.end()
        events.flush()

    assert "parentRequestId" in events.of("text:request:started")[0]


async def test_tasks_do_not_see_each_others_calls():
    """Two agents at once: each model call belongs to its own."""

    async def agent(name: str) -> None:
        async with observe(name):
            await asyncio.sleep(0.001)
            chat().complete({"content": name})

    with recording() as events:
        await asyncio.gather(agent("a"), agent("b"))
        events.flush()

    names = {event["requestId"]: event["agentName"] for event in events.of("agent:request:started")}
    for event in events.of("text:request:completed"):
        assert event["content"] == names[event["parentRequestId"]]


def test_suppressed_calls_are_not_recorded():
    """A framework's hook keeps the inner client from counting twice."""
    from tests.sdk_hooks.calls import maybe_chat

    with recording():
        token = context.suppress()
        assert maybe_chat() is None
        context.unsuppress(token)
        assert maybe_chat() is not None


def test_unsampled_host_span_keeps_its_flag():
    """Flag 00 travels, so that the collector can keep the call out of the backend."""
    assert "00-" + "0" * 31 + "1-" + "0" * 15 + "2-00" == context.HostSpan(1, 2, 0).traceparent()
