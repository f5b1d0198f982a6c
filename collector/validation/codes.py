"""
Why a single event is refused. The list is closed: whatever is not on it is stored.

Flow: reading, decoding, clock … raise **Refused** -> batch turns it into a `Rejection` of the answer.
"""

from typing import Final

NOT_AN_OBJECT: Final = "not_an_object"
"""Also an NDJSON line that is not JSON at all: it is not an object either."""
MISSING_TYPE: Final = "missing_type"
BAD_TIMESTAMP: Final = "bad_timestamp"
TOO_LARGE: Final = "too_large"
TOO_DEEP: Final = "too_deep"
PROJECT_MISMATCH: Final = "project_mismatch"
UNKNOWN_REF: Final = "unknown_ref"
"""The only one that a sender can mend: the same event is stored when it comes whole."""

CODES: Final = (NOT_AN_OBJECT, MISSING_TYPE, BAD_TIMESTAMP, TOO_LARGE, TOO_DEEP, PROJECT_MISMATCH, UNKNOWN_REF)


class Refused(Exception):
    """One event can't be stored; the others of its POST can. Never leaves `validation`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
