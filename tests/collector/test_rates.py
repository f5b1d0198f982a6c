"""
The figures of the page's top strip.
"""

from collector.rates import STEP_S, STEPS, Rates


def test_events_fall_into_steps_and_out_again() -> None:
    """
    Each step has the events of its seconds, per project; after two minutes they are forgotten.
    """
    now_s = [1000.0]
    rates = Rates(lambda: now_s[0])
    rates.note("a", 5, took_s=0.2)
    now_s[0] += STEP_S
    rates.note("a", 7, took_s=0.1)
    assert [5, 7] == rates.events_per_step("a")[-2:]
    assert [0] * STEPS == rates.events_per_step("b")
    now_s[0] += STEP_S * (STEPS - 1)
    assert 7 == sum(rates.events_per_step("a"))
    now_s[0] += STEP_S
    assert 0 == sum(rates.events_per_step("a"))


def test_the_slowest_commit_of_late_is_told() -> None:
    """
    None where nothing came within that time.
    """
    now_s = [1000.0]
    rates = Rates(lambda: now_s[0])
    assert rates.slowest_commit_s("a") is None
    rates.note("a", 1, took_s=0.2)
    rates.note("a", 1, took_s=0.1)
    assert 0.2 == rates.slowest_commit_s("a")
    now_s[0] += 60
    assert rates.slowest_commit_s("a") is None
