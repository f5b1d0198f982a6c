"""
Prices of model calls.
"""

from datetime import UTC, datetime
from itertools import cycle
from typing import Any

import pytest

from collector.prices import ask, price
from collector.spans import Usage

AT_MS = 1_760_000_000_000
USAGE = Usage(input_tokens=1_000_000, output_tokens=0)


def test_a_known_model_has_a_price() -> None:
    """gpt-4o: $2.50 a million input tokens, half of it for cached ones."""
    cached = Usage(input_tokens=1_000_000, output_tokens=0, cache_read_tokens=1_000_000)

    assert 2.5 == pytest.approx(price("openai", "gpt-4o", USAGE, AT_MS))
    assert 1.25 == pytest.approx(price("openai", "gpt-4o", cached, AT_MS))
    assert price("openai", "gpt-4o-2024-08-06", USAGE, AT_MS) is not None


@pytest.mark.parametrize(
    ("provider", "model", "usage", "at_ms"),
    [
        ("openai", "no-such-model", USAGE, AT_MS),
        ("no-such-provider", "gpt-4o", USAGE, AT_MS),
        (None, None, USAGE, AT_MS),
        ("openai", "gpt-4o", Usage(), AT_MS),
        ("openai", "gpt-4o", Usage(input_tokens=5, output_tokens=0, cache_read_tokens=9), AT_MS),
        ("openai", "gpt-4o", USAGE, 1e30),
        ("", "", USAGE, -1.0),
    ],
)
def test_what_is_not_known_has_no_price(provider: str | None, model: str | None, usage: Usage, at_ms: float) -> None:
    """None, and never an exception."""
    assert price(provider, model, usage, at_ms) is None


USAGES = (
    Usage(input_tokens=1_007, output_tokens=313),
    Usage(input_tokens=128_001, output_tokens=0, cache_read_tokens=64_000),
    Usage(input_tokens=200_001, output_tokens=8_191, cache_read_tokens=199, cache_write_tokens=100_000),
    Usage(input_tokens=200_000, cache_write_tokens=7),
    Usage(input_tokens=272_001, output_tokens=5, cache_read_tokens=3),
    Usage(input_tokens=0, output_tokens=0, cache_read_tokens=1),
    Usage(input_tokens=1_000_000, output_tokens=1_000_000, cache_read_tokens=1_000_000),
)


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.long)])
def test_every_price_of_the_list_is_what_the_package_says(every: int) -> None:
    """To the last bit, for every (or every seventh) model of every provider, on both sides of tiers, when prices change."""
    from genai_prices.data_snapshot import get_snapshot

    usages, asked = cycle(USAGES), 0
    for provider in get_snapshot().providers:
        for model in provider.models[::every]:
            for at_ms in _times_of(model):
                usage = next(usages)
                assert price(provider.id, model.id, usage, at_ms) == ask(provider.id, model.id, usage, at_ms), (
                    provider.id, model.id, usage, at_ms,
                )  # fmt: skip
                asked += 1
    assert asked > 2000 / every


def _times_of(model: Any) -> list[float]:
    """Before and after each date, and by day and by night where the hour counts."""
    if not isinstance(model.prices, list):
        return [AT_MS]
    starts = [constraint.start_date for one in model.prices if hasattr(constraint := one.constraint, "start_date")]
    changes = [datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000 for day in starts]
    return [AT_MS, AT_MS + 12 * 3_600_000, *(change + more for change in changes for more in (-1.0, 0.0))]
