"""
Whether a live process holds a segment: the operating system knows, and forgets it with the process.

Flow: segments -> **locks**.
Not by process id: ids are used again, and mean nothing across containers that share a folder.
"""

import sys
from errno import EACCES, EAGAIN

_FAR_OFFSET = 0x7FFF_FFFE
"""Windows locks bytes, and locked ones can't be read: this one is never written."""


def lock(file: int) -> bool:
    """Take the file, without waiting. False: another process has it. Raises OSError where files can't be locked."""
    if sys.platform == "win32":
        import msvcrt
        import os

        os.lseek(file, _FAR_OFFSET, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in (EACCES, EAGAIN):
                return False
            raise
        return True
    import fcntl

    try:
        # Belongs to the open file, not to the process: closing another handle of the same file does not give it up.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (EACCES, EAGAIN):
            return False
        raise
    return True
