"""
Who sent a batch, as one value with a name of its own.

Flow: reading -> **resource** -> storage -> exporters.
"""

import hashlib
from typing import Any, Final

from collector.events import Resource
from collector.validation.columns import bounded
from collector.validation.decoding import canonical_json

UNKNOWN_SERVICE: Final = "unknown_service"


def resource_of(attributes: dict[str, Any] | None) -> Resource:
    """The resource; equal attributes in any order give the same id."""
    known = attributes or {}
    name = known.get("service.name")
    service = bounded(name) if type(name) is str and name else UNKNOWN_SERVICE
    return Resource(resource_id=hashlib.sha256(canonical_json(known)).hexdigest()[:32], service=service, attributes=known)


NOBODY: Final = resource_of(None)
"""The sender that says nothing of itself."""
