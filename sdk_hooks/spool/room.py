"""
The spool's bound: so many bytes in the folder, so many days.

Flow: own -> **room** -> segments. The oldest segment goes first, whoever left it; what a live process holds stays.
"""

from collections.abc import Iterable
from time import time

from sdk_hooks.loss_counts import Losses
from sdk_hooks.spool.reading import Reader
from sdk_hooks.spool.segments import Segment, claim, list_segments


def make_room(folder: str, *, max_bytes: int, max_age_s: float, held: Iterable[str], losses: Losses) -> int:
    """
    Remove what nobody holds until the folder is within its bounds; every event in it is counted.

    How many bytes are still too many: those are in segments of live processes. `held` are the caller's own.
    """
    own = set(held)
    found = list_segments(folder)
    total = sum(segment.bytes for segment in found)
    oldest_s = time() - max_age_s
    for segment in found:
        is_old = segment.changed_s < oldest_s
        if segment.path in own or not (is_old or total > max_bytes):
            continue
        claimed = _claimed(segment.path)
        if claimed is not None:
            drop(claimed, "spool_expired" if is_old else "spool_full", losses)
            total -= segment.bytes
    return max(0, total - max_bytes)


def drop(segment: Segment, reason: str, losses: Losses) -> None:
    """Remove a segment with what still waits in it."""
    waiting = Reader(segment, losses).waiting()
    segment.remove()
    if waiting:
        losses.count(reason, waiting)


def _claimed(path: str) -> Segment | None:
    try:
        return claim(path)
    except OSError:
        # Gone meanwhile, or not ours to open.
        return None
