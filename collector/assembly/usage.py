"""
Count tokens and money, each model call once.

Flow: facts, ending -> **usage rows and their sum** -> calls, spans, token_usage.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from collector.assembly.ending import Ended, Ending
from collector.assembly.facts import Facts
from collector.assembly.inputs import Price
from collector.events import StoredEvent
from collector.fields import amount, count, mapping, name, whole
from collector.spans import Usage, UsageRow
from collector.values import value

CostSource = Literal["provider", "genai-prices"]

_COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")


@value
class Spending:
    """What a call used. No rows: the provider told nothing, or it was lost."""

    rows: tuple[UsageRow, ...]
    total: Usage
    cost_source: CostSource | None


def read_usage(told: object) -> Usage | None:
    """Our buckets of a TokenUsage, whose prompt includes cached and completion includes reasoning tokens as ours do."""
    usage = mapping(told)
    if not usage:
        return None
    prompt, completion = mapping(usage.get("promptTokensDetails")), mapping(usage.get("completionTokensDetails"))
    return Usage(
        input_tokens=count(usage.get("promptTokens")),
        output_tokens=count(usage.get("completionTokens")),
        cache_read_tokens=count(prompt.get("cachedTokens")),
        cache_write_tokens=count(prompt.get("cacheWriteTokens")),
        reasoning_tokens=count(completion.get("reasoningTokens")),
        cost_usd=amount(usage.get("cost")),
    )


def _priced(usage: Usage, cost_usd: float | None) -> Usage:
    return Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost_usd=cost_usd,
    )


def count_usage(facts: Facts, ending: Ending, price: Price) -> Spending:
    """The usage events, else the terminal event's usage; priced where the provider named no price."""
    sources = _each_once(facts.usages)
    if not sources and isinstance(ending, Ended) and ending.event is not None:
        sources = [ending.event]
    told = [(event, usage) for event in sources if (usage := read_usage(event.payload.get("usage"))) is not None]
    rows: list[UsageRow] = []
    by_provider = True
    for n, (event, usage) in enumerate(told):
        if usage.cost_usd is None:
            by_provider = False
            usage = _priced(usage, _estimate(facts, event, usage, price))
        rows.append(_row(n, event, usage, facts))
    total = add_up([row.usage for row in rows])
    source: CostSource | None = None if total.cost_usd is None else "provider" if by_provider else "genai-prices"
    return Spending(rows=tuple(rows), total=total, cost_source=source)


def usage_of_message(facts: Facts, message_id: str | None, iteration: int, completed: Mapping[str, Any]) -> Usage:
    """The usage of one iteration: its usage event's, else what its completed event says."""
    for event in facts.usages:
        if _belongs_to(event, message_id, iteration):
            return read_usage(event.payload.get("usage")) or Usage()
    return read_usage(completed.get("usage")) or Usage()


def add_up(usages: Iterable[Usage]) -> Usage:
    """The sum, bucket by bucket. A count that nobody told stays unknown; a price that one part lacks makes the sum unknown."""
    parts: Sequence[Usage] = list(usages)
    if len(parts) == 1:
        return parts[0]
    sums: dict[str, int | None] = {}
    for bucket in _COUNTS:
        known = [count for part in parts if (count := getattr(part, bucket)) is not None]
        sums[bucket] = sum(known) if known else None
    costs = [part.cost_usd for part in parts]
    known_costs = [cost for cost in costs if cost is not None]
    cost = sum(known_costs) if known_costs and len(known_costs) == len(costs) else None
    return Usage(**sums, cost_usd=cost)


def _each_once(usages: Sequence[StoredEvent]) -> list[StoredEvent]:
    """One event a messageId or iteration: a call that waits for its client tells its usage twice."""
    kept: dict[tuple[str, object], StoredEvent] = {}
    for event in usages:
        message_id = name(event.payload.get("messageId"))
        key = ("message", message_id) if message_id else ("iteration", whole(event.payload.get("iteration")))
        kept.setdefault(key, event)
    return list(kept.values())


def _belongs_to(event: StoredEvent, message_id: str | None, iteration: int) -> bool:
    told = name(event.payload.get("messageId"))
    return told == message_id if told and message_id else whole(event.payload.get("iteration")) == iteration


def _row(n: int, event: StoredEvent, usage: Usage, facts: Facts) -> UsageRow:
    payload = event.payload
    return UsageRow(
        n=n,
        message_id=name(payload.get("messageId")),
        model=name(payload.get("model")) or facts.named.get("model"),
        at_ms=event.timestamp_ms,
        usage=usage,
    )


def _estimate(facts: Facts, event: StoredEvent, usage: Usage, price: Price) -> float | None:
    named = facts.named
    model = named.get("responseModel") or name(event.payload.get("model")) or named.get("model")
    return price(named.get("provider"), model, usage, event.timestamp_ms)
