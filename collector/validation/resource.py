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
_ID_DIGITS: Final = 16
"""It stands in every row of events. 64 bits tell a project's few senders apart."""


def resource_of(attributes: dict[str, Any] | None) -> Resource:
    """The resource; equal attributes in any order give the same id."""
    known = attributes or {}
    name = known.get("service.name")
    service = bounded(name) if type(name) is str and name else UNKNOWN_SERVICE
    resource_id = hashlib.sha256(canonical_json(known)).hexdigest()[:_ID_DIGITS]
    return Resource(resource_id=resource_id, service=service, attributes=known)


NOBODY: Final = resource_of(None)
"""The sender that says nothing of itself."""
