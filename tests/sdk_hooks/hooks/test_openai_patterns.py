"""
The thirty ways in which a host uses the openai SDK, each shown by a pattern of the contract suite, sync and async.

Not patterns, because they make another number of calls or need another client: the module-level client, Azure and polling to the
end, which have tests of their own in `test_openai`.
"""

from contextlib import suppress
from typing import Any

import openai

from collector.demo.provider import Provider
from sdk_hooks import instrument
from tests.sdk_hooks.hooks import openai_patterns, openai_patterns_async, test_openai
from tests.sdk_hooks.hooks.capture import Capture

THIRTY = {
    "plain": "chat chat_async",
    "stream to the end": "stream_to_the_end stream_to_the_end_async",
    "stream in with": "stream_in_with stream_in_with_async",
    "break and keep": "stream_broken_off_and_kept stream_broken_off_and_kept_async",
    "break and delete": "stream_broken_off_and_deleted stream_broken_off_and_deleted_async",
    "never iterated": "stream_never_read stream_never_read_async",
    "close": "stream_closed stream_closed_async",
    "next after close": "stream_read_after_close stream_read_after_close_async",
    "task cancelled": "task_cancelled_async call_cancelled_async",
    "exception in the loop": "exception_in_the_loop exception_in_the_loop_async",
    "error frame": "error_in_the_stream error_in_the_stream_async",
    "socket drop": "socket_dropped socket_dropped_async",
    "429": "rate_limited rate_limited_async",
    "500 with retries": "retried retries_used_up retried_async",
    "timeout": "timed_out timed_out_in_a_stream timed_out_async",
    "raw response": "raw raw_unparsed raw_async",
    "raw stream": "raw_stream raw_stream_async",
    "streaming response": "streaming_response streaming_response_left streaming_response_async",
    "lines of a stream": "streaming_response_lines streaming_response_lines_async",
    "structured output": "structured response_structured structured_async",
    "stream helper to the end": "helper_to_the_end helper_to_the_end_async",
    "stream helper left": "helper_left response_helper_left helper_left_async",
    "with_options and copy": "with_options copied with_options_async copied_async",
    "module-level client": "test_module_level_client_is_recorded",
    "tool calls in a stream": "tools_in_a_stream tools_with_one_index tools_in_a_stream_async",
    "image in a response": "response_with_an_image response_stream_with_an_image response_stream_with_an_image_async",
    "images": "image image_url image_partials image_async image_partials_async",
    "embeddings": "embeddings embeddings_async",
    "speech and transcription": "speech speech_streamed transcription translation speech_async transcription_async",
    "moderation": "moderation moderation_async",
}
"""The way -> the patterns that show it."""


def test_each_of_the_thirty_ways_is_shown() -> None:
    """
    Nobody takes a pattern out of the suite without seeing it here.
    """
    shown = {pattern.name for pattern in (*openai_patterns.SYNC, *openai_patterns_async.ASYNC)}
    shown |= {name for name in vars(test_openai) if name.startswith("test_")}
    assert 30 == len(THIRTY)
    assert {} == {way: names for way, names in THIRTY.items() if not set(names.split()) <= shown}


def test_a_job_is_a_call_a_request(provider: Provider, capture: Capture) -> None:
    """
    `create_and_poll` is a call that begins the job and one for each time it is asked after; all name the job.
    """
    client = instrument(openai_patterns.make_sync(provider.base_url))
    video = client.videos.create_and_poll(model="sora-2", prompt="a film", seconds="8", size="720x1280", poll_interval_ms=1)
    client.videos.download_content(video.id)
    client.videos.remix(video.id, prompt="but blue")
    begun, polled, fetched, remixed = capture.terminals()
    assert ["create", "status", "url", "create"] == [event["requestType"] for event in (begun, polled, fetched, remixed)]
    assert ("job-fake", "pending", "sora-2") == (begun["jobId"], begun["status"], begun["model"])
    assert ("job-fake", "completed", 100) == (polled["jobId"], polled["status"], polled["progress"])
    assert (12, "video/mp4") == (fetched["bytes"], fetched["contentType"])
    started = capture.started()
    assert ("a film", 8, "720x1280") == (started[0]["prompt"], started[0]["duration"], started[0]["size"])
    assert ["job-fake", "job-fake"] == [event["jobId"] for event in started[1:3]]


def test_a_failed_job_has_the_error_that_it_says(provider: Provider, capture: Capture) -> None:
    """
    Asked plainly, and by `poll`, which reads raw answers.
    """
    client: Any = instrument(openai_patterns.make_sync(provider.base_url))
    client.videos.retrieve("failed-1")
    client.videos.poll("failed-1", poll_interval_ms=1)
    assert [{"name": "moderation_blocked", "message": "the model gave up"}] * 2 == [
        event["error"] for event in capture.terminals()
    ]
    assert ["failed-1"] * 2 == [event["jobId"] for event in capture.terminals()]


def test_what_is_no_call_of_a_model_is_not_recorded(provider: Provider, capture: Capture) -> None:
    """
    Lists, deletions and characters of videos, and models.
    """
    client: Any = instrument(openai_patterns.make_sync(provider.base_url))
    for use in (lambda: client.videos.list(), lambda: client.videos.delete("job-1"), lambda: client.models.list()):
        # The provider of the tests knows few of them; what counts is that nothing is recorded.
        with suppress(openai.APIError):
            use()
    assert [] == capture.events()
