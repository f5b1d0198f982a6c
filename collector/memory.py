"""
What a server does with memory: how the C library hands it out, and which of it the garbage collector looks at.

Flow: server -> **bound_malloc, keep_what_the_start_made**. For a process of our own only; a host's memory is the host's affair.
"""

import contextlib
import ctypes
import gc
from typing import Final

# Of <malloc.h>.
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8

_ARENAS: Final = 2
_LARGE_BYTES: Final = 256 * 1024
_NEW_OBJECTS_A_LOOK: Final = 5_000


def bound_malloc() -> None:
    """
    Few arenas, and large blocks by themselves. Before threads start; does nothing where the C library is not glibc.

    By default each thread keeps an arena with what it once needed, and large bodies teach malloc to keep such blocks too.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def keep_what_the_start_made() -> None:
    """Modules and routes stay for good: looking through them for garbage again and again would stop every request."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS_A_LOOK, 10, 10)
