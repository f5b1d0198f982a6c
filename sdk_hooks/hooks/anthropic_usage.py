"""
Anthropic's usage under the event's names.

Flow: usage as the provider wrote it -> **token_usage** -> `usage` of a terminal event.
Its `input_tokens` leave out what was read from the cache and what was written to it; ours is the total that includes both.
The provider's own counts are kept beside it.
"""

from typing import Any

from sdk_hooks.hooks.stainless.answers import Event, plain
from sdk_hooks.hooks.stainless.asked import mapping

CACHE_READ = "cache_read_input_tokens"
CACHE_WRITE = "cache_creation_input_tokens"
TOLD = frozenset(("input_tokens", "output_tokens", "output_tokens_details", CACHE_READ, CACHE_WRITE))


def token_usage(usage: Event | None) -> Event:
    """Disjoint buckets: fresh input = promptTokens − cachedTokens − cacheWriteTokens."""
    if not usage:
        return {}
    told: Event = {}
    read, written = _count(usage, CACHE_READ), _count(usage, CACHE_WRITE)
    fresh, output = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    if fresh is not None:
        told["promptTokens"] = fresh + (read or 0) + (written or 0)
    if output is not None:
        told["completionTokens"] = output
    if fresh is not None and output is not None:
        told["totalTokens"] = told["promptTokens"] + output
    details = {name: count for name, count in (("cachedTokens", read), ("cacheWriteTokens", written)) if count is not None}
    if details:
        told["promptTokensDetails"] = details
    return told | _thoughts(usage) | _own(usage)


def _count(usage: Event, name: str) -> int | None:
    count: Any = usage.get(name)
    return count if type(count) is int else None


def _thoughts(usage: Event) -> Event:
    count = mapping(usage.get("output_tokens_details")).get("thinking_tokens")
    return {} if count is None else {"completionTokensDetails": {"reasoningTokens": count}}


def _own(usage: Event) -> Event:
    other = {name: plain(value) for name, value in usage.items() if value is not None and name not in TOLD}
    if usage.get("input_tokens") is not None:
        other["input_tokens"] = usage["input_tokens"]
    return {"providerUsageDetails": other} if other else {}
