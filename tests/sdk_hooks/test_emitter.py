"""Buffering and delivery against a real receiver: nothing blocks, nothing is lost without being counted."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from sdk_hooks.config import Config
from sdk_hooks.runtime import Runtime, use
from sdk_hooks.transport import HttpTransport
from tests.fakes.clock import FakeClock
from tests.fakes.receiver import Answer, Receiver
from tests.fakes.running import eventually
from tests.sdk_hooks.calls import chat, maybe_chat

Running = Callable[..., Runtime]


def _emitter_threads() -> int:
    return sum(thread.name == "hookline-emitter" for thread in threading.enumerate())


def test_events_arrive_without_anybody_flushing(receiver: Receiver, running: Running):
    """The thread starts with the first call and delivers by itself, with resource and sequence."""
    runtime = running({"OTEL_SERVICE_NAME": "checkout"}, api_key="k-123")
    chat().complete()

    assert [1, 2] == [event["sequence"] for event in receiver.wait_for(2)]
    post = receiver.posts[0]
    assert ("/v1/events", "Bearer k-123") == (post.path, post.headers["authorization"])
    assert ("checkout", "hookline-py") == (post.resource["service.name"], post.resource["telemetry.sdk.name"])
    assert 0 == sum(runtime.losses.snapshot().values())


@pytest.mark.parametrize("linger_s", [0.0, 10.0])
def test_call_after_a_pause_is_delivered(linger_s: float, receiver: Receiver, running: Running, monkeypatch: pytest.MonkeyPatch):
    """
    Each time that everything is delivered, the next call is delivered too, without anybody flushing: by the thread that it
    wakes where that has parked, and by one that still looks for calls itself, which none wakes.
    """
    monkeypatch.setattr("sdk_hooks.emitter.LINGER_S", linger_s)
    runtime = running()
    woken: list[int] = []
    ring = runtime.emitter._wake
    runtime.emitter._inbox._on_offer = lambda: (woken.append(1), ring())  # type: ignore[func-returns-value]
    for number in range(1, 4):
        chat().complete()

        assert 2 * number == len(receiver.wait_for(2 * number))
        eventually(lambda: runtime.emitter.is_idle)
        eventually(lambda: runtime.emitter._inbox.is_awaited is (linger_s == 0.0))
    assert (3 if linger_s == 0.0 else 1) == len(woken)


def test_end_of_a_long_call_is_sent_although_the_thread_rests(receiver: Receiver, running: Running):
    """A call that was quiet for a while is still delivered after its end, without anybody asking."""
    running()
    call = chat()
    receiver.wait_for(1)
    time.sleep(0.3)
    call.complete()

    assert ["text:request:started", "text:request:completed"] == [event["type"] for event in receiver.wait_for(2)]


def test_large_batches_are_gzip_and_repetition_is_not(receiver: Receiver, running: Running):
    """Bodies for another machine are compressed, but never by more than a collector accepts."""
    runtime = running(url="https://collector.example", connect=lambda *_: HttpTransport(receiver.url, None))
    words = " ".join(str(n * 7919) for n in range(2000))
    chat(messages=[{"role": "user", "content": words}]).complete()
    assert runtime.emitter.flush(30)
    chat(messages=[{"role": "user", "content": "a" * 60_000}] * 10).complete()
    assert runtime.emitter.flush(30)

    encodings = [post.headers.get("content-encoding") for post in receiver.posts]
    assert ["gzip", None] == encodings


def test_collector_on_the_same_machine_gets_its_batches_plain(receiver: Receiver, running: Running):
    """Compressing would cost both of them more than carrying it."""
    runtime = running()
    chat(messages=[{"role": "user", "content": " ".join(str(n * 7919) for n in range(2000))}]).complete()
    assert runtime.emitter.flush(30)

    assert [None] == [post.headers.get("content-encoding") for post in receiver.posts]


def test_busy_collector_is_tried_again(receiver: Receiver, running: Running):
    """503, a cut connection and 429 delay events and lose none; each arrives once."""
    running()
    receiver.script(503, "cut", 429)
    chat().complete()

    accepted = receiver.wait_for(2)
    assert ["text:request:started", "text:request:completed"] == [event["type"] for event in accepted]


def test_retry_after_is_honoured_even_by_flush(receiver: Receiver, running: Running):
    """A collector that asks for a second gets it."""
    runtime = running()
    receiver.script(Answer(503, retry_after="1"))
    chat().complete()
    assert runtime.emitter.flush(30)

    first, second = receiver.wait_for_posts(2)
    assert second.at_s - first.at_s >= 0.95


def test_too_large_batch_is_halved(running: Running):
    """413 makes batches smaller until they pass; nothing is lost."""
    with Receiver(max_events=3) as small:
        runtime = running(url=small.url, flush_interval_s=1.0)
        for _ in range(10):
            chat().complete()
        assert runtime.emitter.flush(30)
        accepted = small.accepted

    assert list(range(1, 21)) == [event["sequence"] for event in accepted]


def test_single_event_that_is_too_large_is_a_counted_loss(running: Running):
    """An event that no batch can carry goes, the next ones don't."""
    with Receiver(max_events=0) as none:
        runtime = running(url=none.url)
        chat().complete()
        assert not runtime.emitter.flush(30)

    assert 2 == runtime.losses.snapshot()["too_large"]


def test_refused_batch_is_counted_with_its_status(receiver: Receiver, running: Running):
    """400 is final: counted, not repeated, and later batches go out."""
    runtime = running()
    receiver.script(400)
    chat().complete()
    assert not runtime.emitter.flush(30)
    chat().complete()
    assert runtime.emitter.flush(30)

    counts = runtime.losses.snapshot()
    assert (2, 2) == (counts["refused"], counts["refused_400"])
    assert 2 == len(receiver.accepted)


def test_denied_batch_is_kept_until_the_key_is_mended(receiver: Receiver, running: Running):
    """401 says something about the key, not about the events: they wait, and go out with the right one."""
    runtime = running(api_key="wrong")
    receiver.always(401)
    chat().complete()
    assert not runtime.emitter.flush(0.2)
    runtime.config.update({"api_key": "right"})
    runtime.emitter.refresh()
    receiver.always(None)
    assert runtime.emitter.flush(30)

    assert {1, 2} == {event["sequence"] for event in receiver.accepted}
    assert 0 == sum(runtime.losses.snapshot().values())


@pytest.mark.parametrize("status", [200, 422])
def test_rejected_events_are_counted_by_code(receiver: Receiver, running: Running, status: int):
    """Single rejections in a 200 or 422 are losses with their code, and are not sent again."""
    runtime = running()
    receiver.script(Answer(status, rejected=({"index": 0, "code": "too_deep", "detail": ""},)))
    chat().complete()
    runtime.emitter.flush(30)

    counts = runtime.losses.snapshot()
    assert (1, 1, 1) == (counts["rejected"], counts["rejected_too_deep"], len(receiver.posts))


def test_full_buffer_refuses_calls_and_counts_them(running: Running):
    """More calls at once than the buffer holds: the rest is not recorded, and the host does not notice."""
    runtime = running(buffer_max_events=5, flush_interval_s=60.0)
    calls = [maybe_chat() for _ in range(12)]

    assert [True] * 5 + [False] * 7 == [call is not None for call in calls]
    assert 7 == runtime.losses.snapshot()["buffer_full"]


def test_full_buffer_counts_bytes(running: Running):
    """A few large requests fill it too."""
    runtime = running(buffer_max_bytes=2_000_000, flush_interval_s=60.0)
    large = [{"role": "user", "content": "x" * 400_000}]
    calls = [maybe_chat(messages=large) for _ in range(5)]

    assert 2 == sum(call is not None for call in calls)
    assert 3 == runtime.losses.snapshot()["buffer_full"]


def test_absent_collector_costs_the_oldest_events_and_no_time(running: Running):
    """Nobody listens: calls don't wait for a try, the newest are kept, the oldest are counted."""
    with Receiver() as gone:
        url = gone.url
    runtime = running(url=url, buffer_max_events=20)
    for _ in range(15):
        chat().complete()
    assert not runtime.emitter.flush(0.3)

    eventually(lambda: runtime.losses.snapshot()["undelivered"])
    assert 10 == runtime.losses.snapshot()["undelivered"]


def test_slow_collector_does_not_slow_the_host(receiver: Receiver, running: Running):
    """While a POST hangs, calls are taken as ever; who waits for the answer would find it only afterwards."""
    running()
    is_time = threading.Event()
    receiver.always(Answer(200, after=is_time))
    chat().complete()
    receiver.wait_until_begun(1)
    for _ in range(50):
        chat().complete()

    assert [] == receiver.posts, "nothing was answered meanwhile"
    is_time.set()
    assert 102 == len(receiver.wait_for(102))


def test_failure_is_logged_once_and_so_is_the_healing(receiver: Receiver, running: Running, caplog: pytest.LogCaptureFixture):
    """Three failures are one line, the recovery another; no key is in them."""
    caplog.set_level(logging.DEBUG, "hookline")
    runtime = running(api_key="k-secret")
    receiver.script(503, 503, 503)
    chat().complete()
    receiver.wait_for_posts(3)
    assert runtime.emitter.flush(30)

    lines = [record.getMessage() for record in caplog.records if record.name == "hookline"]
    assert 2 == len(lines), lines
    assert "can't be delivered" in lines[0]
    assert "again" in lines[1]
    assert not any("k-secret" in line for line in lines)


def test_flush_says_when_it_could_not(receiver: Receiver, running: Running):
    """A collector that does not answer in time: False, and not only when it has answered."""
    runtime = running()
    receiver.always(Answer(200, after=threading.Event()))
    chat().complete()

    assert not runtime.emitter.flush(0.2)
    assert [] == receiver.posts


def test_many_threads_record_at_once(receiver: Receiver, running: Running):
    """Eight threads, 400 calls, streams among them: every event once, sequence without a gap."""
    runtime = running()

    def work() -> None:
        for n in range(50):
            call = chat(streaming=True)
            for _ in range(3):
                call.append(time.perf_counter_ns())
                call.append(str(n))
            call.complete()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runtime.emitter.flush(30)

    sequences = [event["sequence"] for event in receiver.accepted]
    assert list(range(1, len(sequences) + 1)) == sequences
    completed = [event for event in receiver.accepted if event["type"] == "text:request:completed"]
    assert 400 == len(completed)
    assert all(3 * event["content"][: len(event["content"]) // 3] == event["content"] for event in completed)


def test_redact_runs_before_anything_leaves(receiver: Receiver, running: Running):
    """What redact changes is sent changed, None is not sent, and a mistake in it loses the event, counted."""

    def redact(event: dict[str, Any]) -> dict[str, Any] | None:
        if event["type"] == "text:request:started":
            return {**event, "messages": "gone"}
        if event.get("content") == "drop":
            return None
        raise RuntimeError("mistake")

    runtime = running(redact=redact)
    chat().complete({"content": "drop"})
    chat().complete({"content": "raise"})
    assert runtime.emitter.flush(30)

    assert ["gone", "gone"] == [event["messages"] for event in receiver.accepted]
    counts = runtime.losses.snapshot()
    assert (1, 1) == (counts["redacted"], counts["redact_failed"])
    assert [1, 2] == [event["sequence"] for event in receiver.accepted]


@pytest.mark.parametrize("leaving", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_redact_that_wants_to_exit_costs_the_event_only(leaving: type[BaseException], receiver: Receiver, running: Running):
    """`sys.exit()` inside a host's redact ends neither the emitter's thread nor what comes after."""

    def redact(event: dict[str, Any]) -> dict[str, Any]:
        if event.get("content") == "exit":
            raise leaving
        return event

    runtime = running(redact=redact)
    chat().complete({"content": "exit"})
    assert runtime.emitter.flush(30)
    threads = _emitter_threads()
    chat().complete({"content": "more"})
    assert runtime.emitter.flush(30)

    assert threads == _emitter_threads() != set()
    assert 1 == runtime.losses.snapshot()["redact_failed"]
    assert [True, True] == [event["type"].endswith("started") for event in receiver.accepted[:2]]
    assert "more" == receiver.accepted[2]["content"]


def test_redact_that_calls_a_model_does_not_loop(receiver: Receiver, running: Running):
    """Calls made by redact are not recorded; flush inside it returns."""
    made: list[Any] = []

    def redact(event: dict[str, Any]) -> dict[str, Any]:
        made.append(maybe_chat())
        assert not runtime.emitter.flush(30)
        return event

    runtime = running(redact=redact)
    chat().complete()
    assert runtime.emitter.flush(30)

    assert [None, None] == made


def test_sync_delivery_sends_at_the_end_of_each_call(receiver: Receiver, running: Running):
    """For serverless: when the call returns, its events are there, and no thread was started."""
    running(delivery="sync", exit_timeout_s=20.0)
    before = _emitter_threads()
    chat().complete()

    assert 2 == len(receiver.accepted)
    assert before == _emitter_threads()


def test_sync_delivery_does_not_wait_for_an_absent_collector_each_time(receiver: Receiver, running: Running):
    """After a failure the backoff holds: the next calls do not even try."""
    clock = FakeClock()
    running(delivery="sync", exit_timeout_s=20.0, clock_s=clock.monotonic_s)
    receiver.always(503)
    for _ in range(5):
        chat().complete()

    assert 1 == len(receiver.posts)
    clock.advance(60_000)
    chat().complete()
    assert 2 == len(receiver.posts)


def test_close_is_quick_when_the_collector_is_away(running: Running):
    """The last flush tries once and gives up; what stays is counted."""
    with Receiver() as gone:
        url = gone.url
    runtime = running(url=url)
    chat().complete()
    began_s = time.monotonic()
    runtime.emitter.close(60.0)

    assert time.monotonic() - began_s < 30
    assert 2 == runtime.losses.snapshot()["exit"]
    assert maybe_chat() is None


class Interrupted(HttpTransport):
    """The host's user presses Ctrl-C in the middle of the first POST."""

    is_first = True

    def post(self, body: bytes, *, is_gzip: bool, timeout_s: float) -> Any:
        if self.is_first:
            self.is_first = False
            raise KeyboardInterrupt
        return super().post(body, is_gzip=is_gzip, timeout_s=timeout_s)


def test_interrupted_sync_delivery_goes_on_with_the_next_call(receiver: Receiver):
    """Ctrl-C is the host's, who may go on: what was on its way then goes out with what comes next, and nobody waits for it."""
    clock = FakeClock()
    config = Config({})
    config.update({"url": receiver.url, "delivery": "sync", "exit_timeout_s": 20.0})
    runtime = Runtime(config, connect=Interrupted, clock_s=clock.monotonic_s)
    before = use(runtime)
    try:
        with pytest.raises(KeyboardInterrupt):
            chat().complete()
        chat().complete()
        clock.advance(60_000)
        chat().complete()
    finally:
        use(before)
    assert 6 == len(receiver.accepted)
    assert 6 == len({event["eventId"] for event in receiver.accepted})


def test_password_in_the_address_is_not_logged(receiver: Receiver, running: Running, caplog: pytest.LogCaptureFixture):
    """An address may have a user and a password in it; the log names it without."""
    caplog.set_level(logging.DEBUG, "hookline")
    runtime = running(url=receiver.url.replace("http://", "http://ada:swordfish@"))
    receiver.script(503, 401)
    chat().complete()
    receiver.wait_for_posts(2)
    assert runtime.emitter.flush(30)

    lines = [record.getMessage() for record in caplog.records if record.name == "hookline"]
    assert any(receiver.url in line for line in lines), lines
    assert not any("swordfish" in line for line in lines)
