"""
Empty the spool by hand: send what processes left behind, now and one after another.

Flow: `python -m sdk_hooks.spool send` -> **sending** -> transport.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sdk_hooks.config import DeliverySettings
from sdk_hooks.loss_counts import Losses
from sdk_hooks.spool.reading import Reader
from sdk_hooks.spool.segments import Segment, claim, list_segments
from sdk_hooks.transport import Delivered, Refused, Transport


class Sent(NamedTuple):
    """How it went. `why` says why it ended early; empty: everything that was to be sent is sent."""

    event_count: int
    lost: dict[str, int]
    why: str


def send_all(folder: str, settings: DeliverySettings, transport: Transport, takes: Callable[[dict[str, Any]], bool]) -> Sent:
    """Deliver every segment that no live process holds and `takes` agrees to; stops where the collector does not take it."""
    losses = Losses()
    sent = 0
    for segment in _claimed(folder, takes):
        reader = Reader(segment, losses)
        why = ""
        try:
            while not why and (batch := reader.batch(settings.batch_max_events, settings.batch_max_bytes)) is not None:
                match transport.post(batch.body, is_gzip=batch.is_gzip, timeout_s=settings.post_timeout_s):
                    case Delivered(rejected=rejected):
                        losses.count("rejected", sum(rejected.values()))
                        sent += batch.event_count - sum(rejected.values())
                        reader.release()
                    case Refused(status=413) if batch.event_count > 1:
                        settings = settings._replace(batch_max_events=batch.event_count // 2)
                    case Refused():
                        losses.count("refused", batch.event_count)
                        reader.release()
                    case other:
                        why = str(other)
        finally:
            (segment.close if why else segment.remove)()
        if why:
            return Sent(sent, _only_lost(losses), why)
    return Sent(sent, _only_lost(losses), "")


def _claimed(folder: str, takes: Callable[[dict[str, Any]], bool]) -> Iterator[Segment]:
    for found in list_segments(folder):
        try:
            segment = claim(found.path)
        except FileNotFoundError:
            continue
        if segment is not None and takes(segment.about):
            yield segment
        elif segment is not None:
            segment.close()


def _only_lost(losses: Losses) -> dict[str, int]:
    return {reason: count for reason, count in losses.snapshot().items() if count}
