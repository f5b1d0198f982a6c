"""
What a model call cost, by the price list of genai-prices.

Flow: assembly asks **here** where the provider told no cost. The list is in the package: nothing is fetched.
The package takes half a millisecond a call, so of each price we keep what concerns the tokens that we know: a few rates.
Rates that the package does not confirm on samples are not used: then it is asked itself, every time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from collector.spans import Usage

_NOT_PRICED = (LookupError, ValueError, TypeError, ArithmeticError, OSError)
"""What genai-prices and a clock raise for models, counts and times that they don't know."""
_PER = 1_000_000
_NAMES = {"input_mtok": "input", "output_mtok": "output", "cache_read_mtok": "cache_read", "cache_write_mtok": "cache_write"}


class Rate(NamedTuple):
    """US dollars a million tokens; with tiers, (more input tokens than this, the rate of all of them), the highest first."""

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...] = ()

    def of(self, count: int, input_tokens: int) -> Decimal:
        """The price of so many tokens of a request with so much input."""
        for start, price in self.tiers:
            if input_tokens > start:
                return price * count / _PER
        return self.base * count / _PER


class Rates(NamedTuple):
    """What one price says about the tokens that we count. Cached ones without a rate of their own cost what input does."""

    input: Rate | None = None
    output: Rate | None = None
    cache_read: Rate | None = None
    cache_write: Rate | None = None
    fixed: Decimal = Decimal(0)
    """Of a request, whatever its size."""

    def price(self, usage: Usage) -> float | None:
        """US dollars; None where more was cached than sent."""
        sent = rest = usage.input_tokens or 0
        total = self.fixed
        if self.cache_read is not None and usage.cache_read_tokens:
            rest -= usage.cache_read_tokens
            total += self.cache_read.of(usage.cache_read_tokens, sent)
        if self.cache_write is not None and usage.cache_write_tokens:
            rest -= usage.cache_write_tokens
            total += self.cache_write.of(usage.cache_write_tokens, sent)
        if self.input is not None:
            if rest < 0:
                return None
            total += self.input.of(rest, sent)
        if self.output is not None and usage.output_tokens:
            total += self.output.of(usage.output_tokens, sent)
        return float(total)


def price(provider: str | None, model: str | None, usage: Usage, at_ms: float) -> float | None:
    """US dollars, or None where the model or its tokens are not known. Never raises."""
    if not model or usage.input_tokens is None:
        return None
    listed = _find(provider, model)
    if listed is None:
        return None
    try:
        rates = listed.at(datetime.fromtimestamp(at_ms / 1000, UTC))
        return rates.price(usage) if rates is not None else ask(provider, model, usage, at_ms)
    except _NOT_PRICED:
        return None


def load() -> None:
    """Read the list beforehand."""
    from genai_prices.data_snapshot import get_snapshot

    get_snapshot()


def ask(provider: str | None, model: str, usage: Usage, at_ms: float) -> float | None:
    """The same from the package itself."""
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
        return float(genai_prices.calc_price(told, model, provider_id=provider, genai_request_timestamp=at).total_price)
    except _NOT_PRICED:
        return None


class _Listed:
    """A model of the list, and the rates of each of its prices: a price may depend on the date or the hour."""

    def __init__(self, provider: str | None, name: str, model: Any) -> None:
        self._about = provider, name
        self._model = model
        self._rates: dict[int, Rates | None] = {}

    def at(self, moment: datetime) -> Rates | None:
        """The rates at a time; None where they are not to be had."""
        found = self._model.get_prices(moment)
        # The list lives as long as the process, so identities stay.
        if id(found) not in self._rates:
            rates = _read_rates(found)
            self._rates[id(found)] = rates if rates is not None and self._are_confirmed(rates, moment) else None
        return self._rates[id(found)]

    def _are_confirmed(self, rates: Rates, moment: datetime) -> bool:
        at_ms = moment.timestamp() * 1000
        return all(rates.price(usage) == ask(*self._about, usage, at_ms) for usage in _samples(rates))


@lru_cache(maxsize=4096)
def _find(provider: str | None, name: str) -> _Listed | None:
    """The model in the list. Looking for one that it lacks takes over a millisecond, so that is done once."""
    from genai_prices.data_snapshot import get_snapshot

    try:
        _, model = get_snapshot().find_provider_model(name, None, provider, None)
    except _NOT_PRICED:
        return None
    return _Listed(provider, name, model)


def _read_rates(price: Any) -> Rates | None:
    """The rates of a price, None for a form that is new to us. Other units, such as audio, we never count."""
    stored: dict[str, Any] = price.__dict__
    told = {name: value for name, value in stored.items() if value is not None}
    requests = told.get("requests_kcount", Decimal(0))
    rates = {ours: rate for name, ours in _NAMES.items() if name in told and (rate := _read_rate(told[name])) is not None}
    if len(rates) < len(_NAMES.keys() & told.keys()) or not isinstance(requests, Decimal):
        return None
    return Rates(**rates, fixed=requests / 1000)


def _read_rate(value: Any) -> Rate | None:
    if isinstance(value, Decimal):
        return Rate(value)
    tiers = getattr(value, "tiers", None)
    if tiers is None:
        return None
    return Rate(value.base, tuple((tier.start, tier.price) for tier in reversed(tiers)))


def _samples(rates: Rates) -> Iterator[Usage]:
    """Few, but such that no rate, tier or rule can be wrong unseen."""
    starts = {start for rate in rates[:4] if isinstance(rate, Rate) for start, _ in rate.tiers}
    for sent in (1_007, *(start + more for start in sorted(starts) for more in (0, 1))):
        yield Usage(input_tokens=sent, output_tokens=101, cache_read_tokens=sent // 3, cache_write_tokens=sent // 7)
    yield Usage(input_tokens=5, cache_read_tokens=6)
    yield Usage(input_tokens=5, cache_write_tokens=6)
