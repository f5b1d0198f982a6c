"""
See that a bus's events reach the collector: batches in order, tried again for as long as it is away, within bounds.

Flow: cli.bridge -> **BusDelivery** -> the client's delivery (sdk_hooks) -> POST /v1/events.
A thread of its own, so that a slow collector never slows the listening.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from collector.cli.config import CommandConfig
from collector.dialects.tanstack_bus import SDK_NAME
from collector.version import installed_version
from sdk_hooks.buffer import Backlog
from sdk_hooks.config import DeliverySettings
from sdk_hooks.delivery import Delivery
from sdk_hooks.loss_counts import Losses
from sdk_hooks.transport import HttpTransport

MOST_EVENTS: Final = 100_000
MOST_BYTES: Final = 64 * 1024 * 1024
"""Of what waits. While the collector is away the oldest go first."""
_GATHER_S: Final = 0.1
_LOST: Final = ("buffer_full", "undelivered", "refused", "rejected", "too_large")


class BusDelivery:
    """`start`, `offer` from one thread, `stop`."""

    def __init__(self, config: CommandConfig, *, say: Callable[[str], None]) -> None:
        self._losses = Losses()
        self._backlog = Backlog()
        self._resource = _resource(config)
        self._delivery = Delivery(
            self._backlog, self._losses, HttpTransport, lambda settings: self._resource, time.monotonic, has_thread=False
        )
        self._settings = DeliverySettings(
            url=config.address,
            api_key=config.api_key,
            # What is on disk would be for another bridge that may never come.
            spool_max_bytes=0,
            buffer_max_events=MOST_EVENTS,
            buffer_max_bytes=2 * MOST_BYTES,
        )
        self._lock = threading.Lock()
        self._arrived: deque[bytes] = deque()
        self._arrived_bytes = 0
        self._offered = 0
        self._in_memory = 0
        self._wake = threading.Event()
        self._is_stopping = False
        self._until_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="hookline-bridge", daemon=True)
        _tell_of_delivery(say)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def offer(self, event: bytes) -> None:
        """Take an event in; where there is no room it is counted and dropped."""
        with self._lock:
            self._offered += 1
            if self._arrived_bytes + len(event) > MOST_BYTES or len(self._arrived) >= MOST_EVENTS:
                self._losses.count("buffer_full")
                return
            self._arrived.append(event)
            self._arrived_bytes += len(event)
        self._wake.set()

    def stop(self, timeout_s: float) -> None:
        """Send what waits, for so long at most."""
        self._until_s = time.monotonic() + timeout_s
        self._is_stopping = True
        self._wake.set()
        self._thread.join(timeout_s + self._settings.post_timeout_s)

    @property
    def dropped(self) -> int:
        """What the collector will never have."""
        counts = self._losses.snapshot()
        return sum(counts[reason] for reason in _LOST)

    @property
    def left(self) -> int:
        """What is neither delivered nor dropped."""
        with self._lock:
            return len(self._arrived) + self._in_memory

    @property
    def posted(self) -> int:
        """What the collector has said to have."""
        with self._lock:
            return max(self._offered - len(self._arrived) - self._in_memory - self.dropped, 0)

    def _run(self) -> None:
        self._delivery.use(self._settings)
        while not self._is_stopping:
            self._wake.wait(self._delivery.next_s)
            if not self._is_stopping:
                # Neighbours come within moments: one POST for all of them.
                time.sleep(_GATHER_S)
            self._wake.clear()
            self._round(force=False, for_s=self._settings.post_timeout_s)
        self._send_the_rest()
        self._delivery.close()

    def _send_the_rest(self) -> None:
        until_s = self._until_s or time.monotonic()
        while True:
            left_s = until_s - time.monotonic()
            self._round(force=True, for_s=max(left_s, 0.0))
            if self._delivery.is_done or left_s <= 0:
                return
            time.sleep(min(_GATHER_S, left_s))

    def _round(self, *, force: bool, for_s: float) -> None:
        with self._lock:
            arrived, self._arrived, self._arrived_bytes = self._arrived, deque[bytes](), 0
            self._in_memory += len(arrived)
        for event in arrived:
            self._backlog.add(event)
        self._delivery.run(force=force, until_s=time.monotonic() + for_s)
        with self._lock:
            self._in_memory = self._delivery.in_memory


def _resource(config: CommandConfig) -> Mapping[str, Any]:
    named = {"service.name": config.service} if config.service else {}
    return {**named, "telemetry.sdk.name": SDK_NAME, "telemetry.sdk.version": installed_version()}


def _tell_of_delivery(say: Callable[[str], None]) -> None:
    """The client's delivery says by its logger, once each, that the collector is away and that it is back."""
    logger = logging.getLogger("hookline")
    logger.handlers[:] = [_Saying(say)]
    logger.propagate = False


class _Saying(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage().removeprefix("hookline: "))
