"""
Whether a destination is left alone, why and how long: the circuit breaker of one exporter.

Flow: pipeline.exports -> **Resting**. It says once in the log that it begins and once that it is over, not once an attempt.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import structlog

from collector.clock import Clock
from collector.exporters.protocol import Barred, Later
from collector.pipeline.backoff import Backoff

log: Any = structlog.get_logger(__name__)

WAITS_MS = (500, 60_000)
"""While a backend is away."""
BARRED_WAITS_MS = (10_000, 300_000)
"""While a setting is wrong: nothing changes until a person changes it, and that mostly takes a restart."""
LEAST_WAIT_MS = 500
"""Also where a backend says "retry after 0 seconds"."""
_HINT = "nothing is lost: spans wait in the database; mend endpoint or key and restart; `hookline doctor` says more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """One stretch of failed rounds."""

    reason: str
    is_setting: bool
    """A key or an address is wrong: waiting alone does not help."""
    began_ms: int
    until_s: float
    """Of the monotonic clock."""
    failures: int
    """Rounds in a row in which nothing was taken."""


class Resting:
    """Told after every round how it went."""

    def __init__(self, destination: str, clock: Clock, roll: Callable[[], float]) -> None:
        self._destination = destination
        self._clock = clock
        self._waits = Backoff(first_ms=WAITS_MS[0], most_ms=WAITS_MS[1], roll=roll)
        self._barred_waits = Backoff(first_ms=BARRED_WAITS_MS[0], most_ms=BARRED_WAITS_MS[1], roll=roll)
        self._rest: Rest | None = None

    @property
    def now(self) -> Rest | None:
        """Why the destination is not sent to as usual; None where it is. Lasts until a round goes well."""
        return self._rest

    def left_ms(self) -> int:
        """How long the destination still has to be left alone."""
        return 0 if self._rest is None else max(round((self._rest.until_s - self._clock.monotonic_s()) * 1000), 0)

    def cut_short(self) -> None:
        """Somebody says that the cause is gone: the next round is now. From another thread."""
        if self._rest is not None:
            self._rest = replace(self._rest, until_s=self._clock.monotonic_s())

    def went_well(self) -> None:
        """Something was taken, and nothing put off."""
        if self._rest is not None:
            log.info("export_resumed", exporter=self._destination, away_s=(self._clock.now_ms() - self._rest.began_ms) / 1000)
        self._rest = None

    def went_badly(self, away: Later | Barred, *, has_progress: bool) -> None:
        """The destination is away, or does not want us; `has_progress` where it took something all the same."""
        before = self._rest
        failures = 1 if before is None or has_progress else before.failures + 1
        is_setting = isinstance(away, Barred)
        wait_ms = (self._barred_waits if is_setting else self._waits).wait_ms(failures)
        if isinstance(away, Later) and away.after_s is not None:
            wait_ms = max(round(away.after_s * 1000), LEAST_WAIT_MS)
        self._rest = Rest(
            reason=away.reason,
            is_setting=is_setting,
            began_ms=self._clock.now_ms() if before is None else before.began_ms,
            until_s=self._clock.monotonic_s() + wait_ms / 1000,
            failures=failures,
        )
        if before is None or (is_setting and not before.is_setting):
            self._tell(self._rest, wait_ms)

    def _tell(self, rest: Rest, wait_ms: int) -> None:
        if rest.is_setting:
            log.error("export_barred", exporter=self._destination, reason=rest.reason, hint=_HINT)
        else:
            log.warning("export_put_off", exporter=self._destination, reason=rest.reason, retry_in_s=wait_ms / 1000)
