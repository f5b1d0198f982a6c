"""
What a model call cost, by the price list of genai-prices.

Flow: assembly asks **here** where the provider told no cost. The list is in the package: nothing is fetched.
"""

from datetime import UTC, datetime

from collector.spans import Usage


def price(provider: str | None, model: str | None, usage: Usage, at_ms: float) -> float | None:
    """US dollars, or None where the model or its tokens are not known. Never raises."""
    if not model or usage.input_tokens is None:
        return None
    # Half a second of import that a server without finished calls need not pay.
    import genai_prices

    told = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    try:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        found = genai_prices.calc_price(told, model, provider_id=provider, genai_request_timestamp=at)
    except (LookupError, ValueError, TypeError, ArithmeticError, OSError):
        return None
    return float(found.total_price)
