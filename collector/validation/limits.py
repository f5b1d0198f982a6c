"""
How much one POST may carry.

Flow: HTTP -> **limits** -> validation. Values only; the body is counted in `api.bodies`, events are counted in `validation`.
"""

from dataclasses import dataclass, fields

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Upper bounds; the defaults are those of the public contract."""

    body_bytes: int = 16 * MIB
    """Of a compressed body as it comes over the wire."""
    expanded_bytes: int = 64 * MIB
    """Of a body that is not compressed, or after inflating."""
    ratio: int = 100
    """Expanded to compressed, looked at once `ratio_free_bytes` came out: short repetitive bodies are no bombs."""
    ratio_free_bytes: int = MIB
    event_bytes: int = 8 * MIB
    depth: int = 64
    """Objects and arrays inside each other, the event itself counted."""
    events: int = 10_000
    resource_bytes: int = 64 * 1024

    def under(self, other: "Limits") -> "Limits":
        """The smaller of each."""
        return Limits(**{field.name: min(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)})


PUBLIC_LIMITS = Limits(body_bytes=MIB // 2, expanded_bytes=2 * MIB, event_bytes=MIB // 2, events=500)
"""Of keys that stand in web pages. What a browser sends when a page is left is 64 KiB at most."""
