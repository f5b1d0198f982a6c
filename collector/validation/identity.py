"""
Which event this is, so that the same one sent twice is stored once.

Flow: decoding -> **identity** -> columns. Unique is (project, timestamp, event id).
"""

import hashlib
import secrets
from typing import Any, Final

from collector.validation.clock import Moment
from collector.validation.decoding import canonical_json

LONGEST_ID_BYTES: Final = 128
_HASH_DIGITS: Final = 40
"""160 bits of SHA-256: nobody finds a second event for it, and the index stays small."""


def event_id(given: Any, received: Any, moment: Moment, *, index: int, idempotency_key: str | None) -> str:
    """
    The sender's eventId, or one made from the event.

    `received` is the event as it came, before anything was dropped. Without an id and without a time the receiver's clock
    would make two deliveries two events, so nothing is deduplicated there unless the POST itself has a key.
    """
    if type(given) is str and given:
        return bounded_id(given)
    if moment.clock != "receiver":
        return _digest(canonical_json(received))
    if idempotency_key is None:
        return secrets.token_hex(_HASH_DIGITS // 2)
    return _digest(f"{idempotency_key}\n{index}\n".encode() + canonical_json(received))


def bounded_id(given: str) -> str:
    """An eventId as it is stored: a very long one by its hash."""
    # 4 bytes a character at most: most ids need no counting.
    if len(given) * 4 <= LONGEST_ID_BYTES or len(given.encode()) <= LONGEST_ID_BYTES:
        return given
    return _digest(given.encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]
