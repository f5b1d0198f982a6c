"""
Whose batches a segment holds, without a secret in it: when another process may send them with its own key.

Flow: runtime -> **destination** -> own (writes it down), leftovers (compares it).
"""

from typing import Any, NamedTuple


class Destination(NamedTuple):
    """Where this process sends, and as whom. `key_tag` tells keys apart and nothing more: 32 bits of a hash."""

    url: str
    project: str | None = None
    service: str | None = None
    key_tag: str = ""

    def about(self, created_ms: int) -> dict[str, Any]:
        """What a segment's head says."""
        return {
            "url": self.url,
            "project": self.project,
            "service": self.service,
            "key": self.key_tag,
            "created_ms": created_ms,
        }

    def takes(self, about: dict[str, Any]) -> bool:
        """
        Whether this process may send what another one left behind.

        Always the same collector and the same named project. With another key only where a project is named, which the
        collector checks, or the service is the same: a key that was changed. Else events could end in a stranger's project.
        """
        if self.url != about.get("url") or self.project != about.get("project"):
            return False
        is_known = self.project is not None or (self.service is not None and self.service == about.get("service"))
        return is_known or self.key_tag == about.get("key")


def key_tag(api_key: str | None) -> str:
    """Tells keys apart on disk. Empty without a key."""
    if not api_key:
        return ""
    from hashlib import sha256

    return sha256(b"hookline spool\0" + api_key.encode()).hexdigest()[:8]


def plain_url(url: str) -> str:
    """The address without a user or password in it."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
