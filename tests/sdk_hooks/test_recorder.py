"""A call's life: which events it gives, when, and with which numbers."""

import sys
import threading
from time import perf_counter_ns
from typing import Any

import pytest

from sdk_hooks import observe, session
from sdk_hooks.recorder import as_it_is
from tests.fakes.collected import recording
from tests.sdk_hooks.calls import CHAT, IMAGE, MESSAGES, chat, maybe_chat


def test_call_gives_started_and_completed_with_its_duration():
    """One call is two events with one requestId, the terminal one a duration later than the start."""
    with recording() as events:
        call = chat()
        call.complete({"content": "Hello", "finishReason": "stop"}, at_ns=call.start_ns + 250_000_000)
        events.flush()

    started, completed = events.events
    assert ["text:request:started", "text:request:completed"] == events.types
    assert started["requestId"] == completed["requestId"]
    assert MESSAGES == started["messages"]
    assert 250.0 == completed["duration"]
    assert completed["timestamp"] == pytest.approx(started["timestamp"] + 250.0, abs=0.01)
    assert ("Hello", "stop", 1) == (completed["content"], completed["finishReason"], completed["messageCount"])


def test_request_is_copied_when_the_call_starts():
    """What the host changes in its request afterwards is not recorded."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "before", "parts": [{"text": "x" * 10_000}]}]
    with recording() as events:
        call = chat(messages=messages)
        messages[0]["content"] = "after"
        messages[0]["parts"][0]["text"] = "after"
        call.complete()
        events.flush()

    assert "before" == events.events[0]["messages"][0]["content"]
    assert "x" * 10_000 == events.events[0]["messages"][0]["parts"][0]["text"]


def test_first_end_wins():
    """complete, fail and abort after an end do nothing."""
    with recording() as events:
        call = chat()
        call.abort()
        call.complete({"content": "late"})
        call.fail(ValueError("late"))
        events.flush()

    assert ["text:request:started", "text:request:aborted"] == events.types


def test_one_end_when_many_threads_end_a_call():
    """Twenty threads that end a call at once give one terminal event."""
    with recording() as events:
        for _ in range(20):
            call = chat()
            gate = threading.Barrier(20)

            def end(call: Any = call, gate: Any = gate) -> None:
                gate.wait()
                call.complete()

            threads = [threading.Thread(target=end) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        events.flush()

    assert 20 == len(events.of("text:request:completed"))


def test_error_has_name_and_message():
    """An exception becomes the terminal event; a key in its message does not leave."""
    with recording() as events:
        chat().fail(ValueError("bad key sk-abcdefghijklmnop given"))
        chat().fail(name="server_error", message="overloaded")
        events.flush()

    first, second = events.of("text:request:error")
    assert {"name": "ValueError", "message": "bad key [secret] given"} == first["error"]
    assert {"name": "server_error", "message": "overloaded"} == second["error"]


@pytest.mark.parametrize("left", [KeyboardInterrupt(), GeneratorExit(), SystemExit(1)])
def test_leaving_is_aborted_not_failed(left: BaseException):
    """What is no Exception is somebody leaving."""
    with recording() as events:
        chat().fail(left)
        events.flush()

    assert "text:request:aborted" == events.types[-1]


def test_chunks_are_packed_between_two_flushes():
    """One chunk event a flush; offsets from its own timestamp; time to first chunk on the end; the text is joined there."""
    with recording() as events:
        call = chat(streaming=True)
        for n, text in enumerate(("Hel", "lo")):
            call.append(call.start_ns + (10 + 5 * n) * 1_000_000)
            call.append(text)
        events.flush()
        call.append(call.start_ns + 40_000_000)
        call.append("!")
        call.complete({"finishReason": "stop"}, at_ns=call.start_ns + 50_000_000)
        events.flush()

    first, second = events.of("text:chunk:content")
    started, completed = events.events[0], events.events[-1]
    assert [{"offsetMs": 0.0, "delta": "Hel"}, {"offsetMs": 5.0, "delta": "lo"}] == first["chunks"]
    assert [{"offsetMs": 0.0, "delta": "!"}] == second["chunks"]
    assert first["timestamp"] == pytest.approx(started["timestamp"] + 10, abs=0.01)
    assert second["timestamp"] == pytest.approx(started["timestamp"] + 40, abs=0.01)
    assert ("Hello!", 10.0, True) == (completed["content"], completed["timeToFirstChunk"], completed["streaming"])


def test_aborted_stream_tells_what_was_seen():
    """A stream left early ends with the text that had come."""
    with recording() as events:
        call = chat(streaming=True)
        call.append(perf_counter_ns())
        call.append("Once upon")
        call.abort()
        events.flush()

    assert ("text:request:aborted", "Once upon") == (events.events[-1]["type"], events.events[-1]["content"])


def test_child_call_is_named_after_its_item():
    """An image inside a stream is a call of its own below the stream's, with its own duration."""
    with recording() as events:
        call = chat(streaming=True)
        image = call.child(IMAGE, {"prompt": "a cat"}, item_id="ig_1", model="gpt-image-1", started_ns=call.start_ns + 1_000_000)
        assert image is not None
        image.complete({"images": [{"b64Json": "AAAA"}]}, at_ns=call.start_ns + 3_000_000)
        call.complete()
        events.flush()

    done = events.of("image:request:completed")[0]
    assert f"{call.request_id}/ig_1" == done["requestId"]
    assert (call.request_id, call.request_id) == (done["parentRequestId"], done["rootRequestId"])
    assert ("openai", "gpt-image-1", 2.0) == (done["provider"], done["model"], done["duration"])


def test_nested_call_names_its_parents_and_takes_the_roots_run():
    """Agent > tool > model call: the innermost knows all three, and the root's runId beats its own session's."""
    with recording() as events:
        outside, inside = session(run_id="run-1"), session(run_id="run-2")
        with outside, observe("planner"), observe("search", kind="tool", tool_call_id="t1"), inside:
            chat().complete()
        events.flush()

    agent = events.of("agent:request:started")[0]
    inner = events.of("text:request:started")[0]
    assert agent["requestId"] == inner["parentRequestId"] == inner["rootRequestId"]
    assert ("t1", "run-1") == (inner["parentToolCallId"], inner["runId"])
    assert "parentRequestId" not in agent


def test_unsampled_calls_send_only_their_errors():
    """At a rate of 0 nothing is sent but the failed call, whole."""
    with recording(sample_rate=0.0) as events:
        good, bad = chat(streaming=True), chat()
        good.append(perf_counter_ns())
        good.append("x")
        good.complete()
        bad.fail(ValueError("no"))
        events.flush()

    assert ["text:request:started", "text:request:error"] == events.types
    assert {bad.request_id} == {event["requestId"] for event in events.events}


def test_sampling_keeps_about_its_share_and_whole_families():
    """A quarter of 400 calls; a call inside follows the one around it."""
    with recording(sample_rate=0.25) as events:
        for _ in range(400):
            with observe("planner"):
                chat().complete()
        events.flush()

    agents = {event["requestId"] for event in events.of("agent:request:started")}
    chats = events.of("text:request:started")
    assert 90 <= len(agents) <= 110
    assert agents == {event["parentRequestId"] for event in chats}
    assert {0.25} == {event["sampleRate"] for event in chats}


def test_disabled_records_nothing():
    """A disabled session gives no call at all."""
    with recording() as events:
        with session(disabled=True):
            assert maybe_chat() is None
        events.flush()

    assert [] == events.events


def test_reader_that_fails_costs_its_call_only():
    """A hook's reader that can't read an answer is a counted loss; the next call is recorded."""
    shape = CHAT._replace(completed=lambda response: as_it_is(response["missing"]))
    with recording() as events:
        from sdk_hooks.recorder import start_call

        broken = start_call(shape, {"messages": []}, provider="openai", model="m")
        assert broken is not None
        broken.complete({})
        chat().complete()
        events.flush()

    assert 1 == len(events.of("text:request:completed"))
    assert events.runtime is not None
    assert 1 == events.runtime.losses.snapshot()["render_failed"]


def test_request_ids_are_unique():
    """A prefix and a counter: no two calls share an id, and an eventId holds its sequence, without gaps."""
    with recording() as events:
        for _ in range(100):
            chat().complete()
        events.flush()

    assert 100 == len({event["requestId"] for event in events.events})
    assert list(range(1, 201)) == [event["sequence"] for event in events.events]
    assert all(event["eventId"].endswith(f"-{event['sequence']}") for event in events.events)


def test_error_that_cannot_say_what_it_is_ends_its_call():
    """An exception whose text raises is recorded by its name: else the call would be kept for ever."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    with recording() as events:
        chat().fail(Mute())
        with pytest.raises(Mute), observe("planner"):
            raise Mute
        with pytest.raises(Mute), observe("search", kind="tool"):
            raise Mute
        events.flush()

    ends = [*events.of("text:request:error"), *events.of("agent:request:error"), *events.of("tools:call:completed")]
    assert [{"name": "Mute", "message": ""}] * 3 == [event["error"] for event in ends]


def test_call_may_end_between_any_two_lines_of_another_ones_end():
    """
    A destructor or a signal handler that ends a call runs wherever Python likes, also inside of what wakes the emitter: nobody
    waits for the line below.
    """
    with recording() as events:
        inner = [chat() for _ in range(400)]
        outer = [chat() for _ in range(4)]
        events.flush()
        left = iter(inner)
        assert events.runtime is not None
        # As if the emitter's thread slept.
        events.runtime.emitter._listen(True)  # pyright: ignore[reportPrivateUsage]

        def trace(frame: Any, what: str, _: Any) -> Any:
            next(left).complete({})
            return trace

        def end_all() -> None:
            sys.settrace(trace)
            for call in outer:
                call.complete({})
            sys.settrace(None)

        ending = threading.Thread(target=end_all, daemon=True)
        ending.start()
        ending.join(20)
        assert not ending.is_alive()
        assert not any(hasattr(call, "_open") for call in outer)
