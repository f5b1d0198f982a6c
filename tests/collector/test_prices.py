"""
Prices of model calls.
"""

import pytest

from collector.prices import price
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
