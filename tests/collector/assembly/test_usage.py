"""
Tokens and money, each model call once.
"""

from typing import Any

import pytest

from collector.spans import Usage
from tests.collector.assembly.stored import assembled, completed, event, started

TOLD = {
    "promptTokens": 100,
    "completionTokens": 20,
    "totalTokens": 120,
    "promptTokensDetails": {"cachedTokens": 64, "cacheWriteTokens": 8},
    "completionTokensDetails": {"reasoningTokens": 12},
}


def usage(at_ms: float, message_id: str | None = "m1", **told: Any):
    return event("text:usage", at_ms, messageId=message_id, usage=told)


def test_the_buckets() -> None:
    """Input includes cached and cache-written, output includes reasoning, as the conventions say."""
    outcome = assembled(started(), completed(100, usage=TOLD))

    expected = Usage(input_tokens=100, output_tokens=20, cache_read_tokens=64, cache_write_tokens=8, reasoning_tokens=12)
    assert (expected, "provider") == (outcome.call.usage, outcome.call.usage_source)


def test_missing_is_not_zero() -> None:
    """A usage that nobody told is unknown; zero that was told is zero."""
    silent = assembled(started(), completed(100))
    told = assembled(started(0, "embedding"), completed(100, "embedding", usage={"promptTokens": 7, "completionTokens": 0}))

    assert (Usage(), "missing", ()) == (silent.call.usage, silent.call.usage_source, silent.usage)
    assert (7, 0, None) == (told.call.usage.input_tokens, told.call.usage.output_tokens, told.call.usage.cache_read_tokens)


def test_usage_events_are_summed_and_the_end_is_not_added() -> None:
    """The terminal event tells the last model call only."""
    outcome = assembled(
        started(),
        usage(10, "m1", promptTokens=50, completionTokens=5, promptTokensDetails={"cachedTokens": 10}),
        usage(20, "m2", promptTokens=70, completionTokens=6),
        completed(100, usage={"promptTokens": 70, "completionTokens": 6}),
    )

    assert Usage(input_tokens=120, output_tokens=11, cache_read_tokens=10) == outcome.call.usage
    assert [(0, "m1", 50), (1, "m2", 70)] == [(row.n, row.message_id, row.usage.input_tokens) for row in outcome.usage]


@pytest.mark.parametrize("key", [{"messageId": "m1"}, {"iteration": 2}, {}])
def test_a_usage_that_is_told_twice_counts_once(key: dict[str, Any]) -> None:
    """By messageId, by iteration, else once a call: a call that waits for its client says it twice."""
    twice = [event("text:usage", at_ms, usage={"promptTokens": 50}, **key) for at_ms in (10, 20)]

    assert 50 == assembled(started(), *twice).call.usage.input_tokens


def test_usage_may_follow_the_end() -> None:
    """Media usage always does."""
    told = event("image:usage", 501, usage={"promptTokens": 50, "completionTokens": 1050})
    outcome = assembled(started(0, "image"), completed(500, "image", images=[{}], duration=500), told)

    assert (50, 1050, 500) == (outcome.call.usage.input_tokens, outcome.call.usage.output_tokens, outcome.call.duration_ms)


def test_a_failed_or_aborted_call_may_tell_usage() -> None:
    """Tokens were spent all the same."""
    for ending in ("error", "aborted"):
        outcome = assembled(started(), event(f"text:request:{ending}", 100, usage=TOLD))
        assert 100 == outcome.call.usage.input_tokens


def test_the_providers_price_wins() -> None:
    """Only where it named none is there an estimate."""
    told = assembled(started(), completed(100, usage={**TOLD, "cost": 0.25}), price=lambda *_: 9.0)
    guessed = assembled(started(), completed(100, usage=TOLD), price=lambda *_: 9.0)
    unknown = assembled(started(), completed(100, usage=TOLD))

    assert (0.25, "provider") == (told.call.usage.cost_usd, told.call.cost_source)
    assert (9.0, "genai-prices") == (guessed.call.usage.cost_usd, guessed.call.cost_source)
    assert (None, None) == (unknown.call.usage.cost_usd, unknown.call.cost_source)


def test_an_unknown_part_makes_the_price_unknown() -> None:
    """Half a price would look like a whole one."""
    outcome = assembled(started(), usage(1, "m1", promptTokens=1, cost=0.5), usage(2, "m2", promptTokens=1))

    assert (None, None) == (outcome.call.usage.cost_usd, outcome.call.cost_source)


def test_the_price_is_asked_for_the_model_that_answered() -> None:
    """The response's model, at the time of the usage."""
    asked: list[tuple[Any, ...]] = []

    def price(*question: Any) -> float | None:
        asked.append(question)
        return None

    assembled(started(0, model="gpt-4o"), completed(100, usage=TOLD, responseModel="gpt-4o-2024-08-06"), price=price)

    assert [("openai", "gpt-4o-2024-08-06", 1_795_000_000_100)] == [(q[0], q[1], q[3]) for q in asked]


@pytest.mark.parametrize("odd", [-1, 1.5, "7", True, float("nan"), [], None])
def test_counts_that_are_none_are_unknown(odd: object) -> None:
    """As if not told."""
    assert assembled(started(), completed(100, usage={"promptTokens": odd})).call.usage.input_tokens is None


def test_figures_beyond_all_measure_are_unknown() -> None:
    """Added up they leave 64 bits, and no sum over the project could be read any more."""
    absurd = event("text:usage", 10, messageId="m1", usage={"promptTokens": 9 * 10**18, "completionTokens": 7, "cost": 1.7e308})
    call = assembled(started(), absurd, usage(20, "m2", promptTokens=3), completed(100)).call

    assert (3, 7, None) == (call.usage.input_tokens, call.usage.output_tokens, call.usage.cost_usd)


def test_bigints_of_javascript_are_counts() -> None:
    """They arrive as an object."""
    told = {"promptTokens": {"__type": "bigint", "value": "123"}}

    assert 123 == assembled(started(), completed(100, usage=told)).call.usage.input_tokens
