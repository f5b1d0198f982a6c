"""
What a model call cost, by the price list of genai-prices.

Flow: assembly asks **here** where the provider told no cost. The list is in the package: nothing is fetched.
"""

from datetime import UTC, datetime
from functools import lru_cache

from collector.spans import Usage

_NOT_PRICED = (LookupError, ValueError, TypeError, ArithmeticError, OSError)
"""What genai-prices and a clock raise for models, counts and times that they don't know."""


def price(provider: str | None, model: str | None, usage: Usage, at_ms: float) -> float | None:
    """US dollars, or None where the model or its tokens are not known. Never raises."""
    if not model or usage.input_tokens is None or not _is_listed(provider, model):
        return None
    try:
        return _ask(provider, model, usage, datetime.fromtimestamp(at_ms / 1000, UTC))
    except _NOT_PRICED:
        return None


@lru_cache(maxsize=4096)
def _is_listed(provider: str | None, model: str) -> bool:
    """Whether the list has the model. Looking for one that it lacks takes over a millisecond, so that is done once."""
    try:
        _ask(provider, model, Usage(input_tokens=1, output_tokens=1), None)
    except _NOT_PRICED:
        return False
    return True


def _ask(provider: str | None, model: str, usage: Usage, at: datetime | None) -> float:
    # Half a second of import that a server without finished calls need not pay.
    import genai_prices

    told = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    return float(genai_prices.calc_price(told, model, provider_id=provider, genai_request_timestamp=at).total_price)
