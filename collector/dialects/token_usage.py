"""
A provider's token counts under the catalogue's names.

Flow: translations -> **TokenUsage** -> assembly. What has no name there goes into `providerUsageDetails`.
"""

from collections.abc import Mapping
from typing import Any, Final

from collector.dialects.spelling import camel
from collector.fields import amount, items, mapping, number

_TOTALS: Final = {"inputTokens": "promptTokens", "outputTokens": "completionTokens", "totalTokens": "totalTokens", "cost": "cost"}
_DETAILS: Final = {"inputTokensDetails": "promptTokensDetails", "outputTokensDetails": "completionTokensDetails"}


def token_usage(usage: object) -> dict[str, Any] | None:
    """The usage in either spelling. Counts that are all zero come from senders that were told none: that is None."""
    found: dict[str, Any] = {}
    other: dict[str, Any] = {}
    for spelled, value in mapping(usage).items():
        name = camel(spelled)
        if value is None:
            continue
        if name in _TOTALS:
            found[_TOTALS[name]] = value
        elif name in _DETAILS:
            found[_DETAILS[name]] = _details(value)
        else:
            other[name] = value
    if not any(amount(value) for value in found.values()):
        return None
    return found | ({"providerUsageDetails": other} if other else {})


def _details(value: object) -> Mapping[str, Any]:
    """One object; the Agents SDK may send one for each request, and these are added up."""
    parts = [mapping(part) for part in items(value) or [value]]
    sums: dict[str, Any] = {}
    for part in parts:
        for spelled, count in part.items():
            name, known = camel(spelled), number(count)
            if known is not None:
                sums[name] = sums.get(name, 0) + known
    return sums
