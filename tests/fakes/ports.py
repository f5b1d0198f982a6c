"""
Ports for servers that must know theirs before they start.
"""

import random
import socket
from itertools import count

LOWEST, HIGHEST = 20_000, 32_000
"""Below what the system gives to outgoing connections and to port 0: nobody takes one while its server is not yet, or no longer,
there."""

_numbers = count(random.SystemRandom().randrange(HIGHEST - LOWEST))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on; each call gives another one."""
    for number in _numbers:
        port = LOWEST + number % (HIGHEST - LOWEST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("there are always more numbers")
