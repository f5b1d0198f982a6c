"""
When requests press: only while the writer has hardly a moment for anything else.
"""

import pytest

from collector.storage.pressure import CROWD_EVENTS, FULL_SHARE, HOLDS_S, REQUESTS_SHARE, WINDOW_S, Pressure


def is_pressed_after(*, requests_share: float, jobs_share: float, events: int = CROWD_EVENTS) -> bool:
    """What a writer says after some windows of which it gave these shares away, with two commits of requests in each."""
    pressure = Pressure()
    pressure.note_jobs(0.0, took_s=0.0)
    for window in range(3):
        pressure.note_jobs((window + 0.5) * WINDOW_S, took_s=jobs_share * WINDOW_S)
        pressure.note_requests((window + 0.75) * WINDOW_S, took_s=requests_share / 2 * WINDOW_S, events=1)
        pressure.note_requests((window + 1) * WINDOW_S, took_s=requests_share / 2 * WINDOW_S, events=2 * events - 1)
    return pressure.is_high(3 * WINDOW_S)


@pytest.mark.parametrize(
    ("requests_share", "jobs_share", "is_pressed"),
    [
        (1.0, 0.0, True),
        (REQUESTS_SHARE + 0.01, FULL_SHARE - REQUESTS_SHARE, True),
        (FULL_SHARE - 0.01, 0.0, False),
        (REQUESTS_SHARE - 0.01, 1.01 - REQUESTS_SHARE, False),
    ],
    ids=["requests alone", "requests and work", "time to spare", "mostly work"],
)
def test_requests_press_when_they_leave_no_time(requests_share: float, jobs_share: float, is_pressed: bool):
    """
    A steady load with moments between is none, nor is a backlog of work that fills the writer.
    """
    assert is_pressed == is_pressed_after(requests_share=requests_share, jobs_share=jobs_share)


def test_small_commits_are_no_pressure():
    """
    Requests that hardly wait for each other fill no writer; what does is a slow machine, and there assembly must go on.
    """
    assert not is_pressed_after(requests_share=1.0, jobs_share=0.0, events=CROWD_EVENTS - 1)


def test_pressure_ends_by_itself():
    """
    Nothing is noted any more when nobody sends.
    """
    pressure = Pressure()
    pressure.note_jobs(0.0, took_s=0.0)
    pressure.note_requests(WINDOW_S, took_s=WINDOW_S, events=CROWD_EVENTS)

    assert pressure.is_high(WINDOW_S)
    assert not pressure.is_high(WINDOW_S + HOLDS_S)


def test_first_commit_after_a_silence_is_no_pressure():
    """
    The silence counts as time to spare.
    """
    pressure = Pressure()
    pressure.note_jobs(0.0, took_s=0.0)
    pressure.note_requests(3600.0, took_s=0.2, events=CROWD_EVENTS)

    assert not pressure.is_high(3600.0)


def test_many_senders_press_for_the_moment_that_they_are_given():
    """
    Even a writer with time to spare: they will be back.
    """
    pressure = Pressure()
    pressure.note_many_senders(10.0)

    assert pressure.is_high(9.9)
    assert not pressure.is_high(10.0)
