"""
The way in: bytes of a POST -> rows, or a code that says why not.

Flow: HTTP -> dialects -> **validation** -> storage. What doesn't fit the catalogue is noted, not refused.
"""

from collector.validation.batch import ReadResult, read_batch
from collector.validation.codes import CODES
from collector.validation.limits import MIB, PUBLIC_LIMITS, Limits
from collector.validation.reading import Media
from collector.validation.redaction import Redaction

__all__ = ["CODES", "MIB", "PUBLIC_LIMITS", "Limits", "Media", "ReadResult", "Redaction", "read_batch"]
