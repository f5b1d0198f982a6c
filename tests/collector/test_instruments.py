"""
The metrics are those of the GenAI conventions.
"""

from itertools import pairwise

import pytest
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

from collector.instruments import INSTRUMENTS, SECONDS, TOKENS


def test_names_are_those_of_the_conventions() -> None:
    """
    The client's, by the constants of the official package; the tool's came after them.
    """
    official = {value for name, value in vars(gen_ai_metrics).items() if name.startswith("GEN_AI_CLIENT_")}

    assert official | {"gen_ai.execute_tool.duration"} == set(INSTRUMENTS)


def test_durations_begin_at_ten_milliseconds_and_double_thirteen_times() -> None:
    """
    Up to 81.92 seconds: fourteen boundaries.
    """
    assert (0.01, 14, 81.92) == (SECONDS[0], len(SECONDS), SECONDS[-1])
    assert all(pytest.approx(2 * low) == high for low, high in pairwise(SECONDS))


def test_tokens_are_the_powers_of_four_up_to_the_thirteenth() -> None:
    """
    From 1 to 67,108,864: fourteen boundaries.
    """
    assert tuple(4**n for n in range(14)) == TOKENS
    assert 67_108_864 == TOKENS[-1]


def test_durations_are_in_seconds_and_tokens_in_tokens() -> None:
    """
    A unit in braces is an annotation: tokens have none.
    """
    units = {instrument.name: (instrument.unit, instrument.boundaries) for instrument in INSTRUMENTS.values()}

    assert ("{token}", TOKENS) == units.pop("gen_ai.client.token.usage")
    assert {("s", SECONDS)} == set(units.values())
