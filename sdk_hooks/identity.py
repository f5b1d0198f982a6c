"""
Names for this process: the prefix of its event ids and request ids.

Flow: runtime -> **identity** -> recorder (request ids), emitter (event ids).
A prefix and a counter instead of a UUID a call: 0.1 µs, and ids of one process sort by time.
"""

import os
from itertools import count
from time import time_ns


class Identity:
    """Made when the first event is, and anew after a fork."""

    __slots__ = ("prefix", "request_number", "request_prefix")

    def __init__(self) -> None:
        self.prefix = f"{time_ns() // 1_000_000:012x}{os.urandom(6).hex()}"
        self.request_prefix = f"req-{self.prefix}-"
        self.request_number = count(1).__next__
