"""
What a sender of events is told: the receipt, and why some of it was not taken.

Flow: ingest -> **these answers** -> HTTP.
"""

import json
from typing import Any, Final

from starlette.responses import Response

from collector.api.problems import problem_response
from collector.errors import NothingAccepted
from collector.events import Receipt
from collector.validation import ReadResult

METHODS: Final = ("POST", "OPTIONS")
_ALL_GOOD: Final = b'{"accepted":%d,"duplicates":%d,"rejected":[]}'
_ALL_GOOD_IN: Final = b'{"accepted":%d,"duplicates":%d,"rejected":[],"store":"%s"}'


def all_good(receipt: Receipt, store: str | None) -> bytes:
    """The body where nothing was rejected. By hand: it is most of what a small request's answer costs."""
    if store is None:
        return _ALL_GOOD % (receipt.accepted, receipt.duplicates)
    return _ALL_GOOD_IN % (receipt.accepted, receipt.duplicates, store.encode())


def with_rejections(receipt: Receipt, result: ReadResult) -> Response | bytes:
    """The body of a 200 where some events were rejected; a problem where all were."""
    content: dict[str, Any] = {
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "rejected": [{"index": r.index, "code": r.code, "detail": r.detail} for r in result.rejected],
    }
    if result.store is not None:
        content["store"] = result.store
    if not result.batch.events:
        refused = NothingAccepted("none of the events could be stored: `rejected` says why, one by one")
        return problem_response(refused, more=content)
    return json.dumps(content, separators=(",", ":")).encode()


def preflight() -> Response:
    """What a page of an allowed origin may send; the site was checked before."""
    headers = {
        "allow": ", ".join(METHODS),
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "authorization, content-type, content-encoding, idempotency-key",
        "access-control-allow-private-network": "true",
        "access-control-max-age": "600",
    }
    return Response(status_code=204, headers=headers)
