"""
Send what waits in the backlog, and decide what becomes of it.

Flow: emitter -> **delivery** -> transport -> collector.
Keeps the state between two POSTs: when to try again, how large a batch may be, whether the collector is away.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from sdk_hooks.buffer import Backlog
from sdk_hooks.config import DeliverySettings
from sdk_hooks.encoding import encode_batch, encode_event
from sdk_hooks.guard import log
from sdk_hooks.loss_counts import Losses
from sdk_hooks.transport import Delivered, Refused, RetryLater, Transport

Connect = Callable[[str, str | None], Transport]

BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 30.0
RETRY_AFTER_MAX_S = 600.0


def jitter() -> float:
    """0.5 to 1.0, so that many clients of a restarted collector don't come back together. `random` costs 5 ms to import."""
    return 0.5 + os.urandom(1)[0] / 510


class Delivery:
    """The way to one collector."""

    def __init__(
        self,
        backlog: Backlog,
        losses: Losses,
        connect: Connect,
        describe: Callable[[DeliverySettings], Mapping[str, Any]],
        clock_s: Callable[[], float],
    ) -> None:
        self._backlog = backlog
        self._losses = losses
        self._connect = connect
        self._describe = describe
        self._clock_s = clock_s
        self._settings: DeliverySettings | None = None
        self._transport: Transport | None = None
        self._resource = b"{}"
        self._batch_limit: int | None = None
        self._failures = 0
        self._asked_until_s = 0.0
        self.retry_at_s = 0.0

    @property
    def is_failing(self) -> bool:
        return self._failures > 0

    def use(self, settings: DeliverySettings) -> None:
        """The settings of now; another address is another connection."""
        if settings == self._settings:
            return
        self.close()
        self._settings = settings
        self._transport = self._connect(settings.url, settings.api_key)
        self._resource = encode_event(dict(self._describe(settings)))
        self._batch_limit = None
        self.retry_at_s = self._asked_until_s = 0.0

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def send_all(self, *, force: bool, until_s: float | None = None) -> None:
        """
        POST batch after batch until nothing waits or the collector says later.

        `force` does not wait for our own backoff, but for what the collector asked (`Retry-After`).
        """
        if self._clock_s() < (self._asked_until_s if force else self.retry_at_s):
            return
        while len(self._backlog):
            left_s = None if until_s is None else until_s - self._clock_s()
            if left_s is not None and left_s <= 0:
                return
            if not self._send_one(left_s):
                return

    def _send_one(self, left_s: float | None) -> bool:
        settings, transport = self._settings, self._transport
        if settings is None or transport is None:
            return False
        batch = self._backlog.batch(self._batch_limit or settings.batch_max_events, settings.batch_max_bytes)
        body, is_gzip = encode_batch(self._resource, batch)
        timeout_s = settings.post_timeout_s if left_s is None else min(settings.post_timeout_s, left_s)
        match transport.post(body, is_gzip=is_gzip, timeout_s=timeout_s):
            case Delivered(rejected=rejected):
                self._healed(settings)
                self._backlog.release(len(batch))
                self._count_rejected(rejected)
                if self._batch_limit is not None:
                    self._batch_limit = min(self._batch_limit * 2, settings.batch_max_events)
                return True
            case Refused(status=413) if len(batch) > 1:
                self._batch_limit = len(batch) // 2
                return True
            case Refused(status=status):
                self._refused(settings, status, len(batch))
                return True
            case RetryLater(after_s=after_s, why=why):
                self._wait(settings, after_s, why)
                return False

    def _count_rejected(self, rejected: Mapping[str, int]) -> None:
        for code, count in rejected.items():
            self._losses.count("rejected", count)
            self._losses.count(f"rejected_{code}", count)

    def _refused(self, settings: DeliverySettings, status: int, count: int) -> None:
        self._backlog.release(count)
        if status == 413:
            self._losses.count("too_large", count)
            return
        self._losses.count("refused", count)
        self._losses.count(f"refused_{status}", count)
        cure = "check HOOKLINE_API_KEY; " if status in (401, 403) else ""
        self._failed(settings, f"refused with {status}", f"{cure}what is refused is lost")

    def _wait(self, settings: DeliverySettings, after_s: float | None, why: str) -> None:
        self._failed(settings, why, "they are kept as far as there is room")
        backoff_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** min(self._failures - 1, 10)) * jitter()
        asked_s = 0.0 if after_s is None else min(after_s, RETRY_AFTER_MAX_S)
        self._asked_until_s = self._clock_s() + asked_s
        self.retry_at_s = self._clock_s() + max(backoff_s, asked_s)

    def _failed(self, settings: DeliverySettings, why: str, what_now: str) -> None:
        self._failures += 1
        if self._failures == 1:
            log("warning", "hookline: events can't be delivered to %s (%s); %s", settings.url, why, what_now)

    def _healed(self, settings: DeliverySettings) -> None:
        if self._failures:
            log("warning", "hookline: events are delivered to %s again", settings.url)
        self._failures = 0
        self.retry_at_s = 0.0
