"""
The top strip: whose project, what comes in, how late, what was turned away.

Flow: metrics, rates -> **strip** -> every page; scripts fetch it again every few seconds. Nothing here reads the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from collector.api.asked import Asked
from collector.rates import STEP_S, STEPS

SPARK_HEIGHT: Final = 20
_STUCK_S: Final = 1.0
_ENGINES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TopStrip:
    """What the strip shows."""

    project: str
    engine: str
    version: str
    events_per_s: float
    peak_per_s: float
    spark_path: str
    """SVG path of the last two minutes, STEPS wide and SPARK_HEIGHT high."""
    lag_ms: float | None
    is_stuck: bool
    rejected: int
    rejected_by_code: tuple[tuple[str, int], ...]
    failed_commits: int
    can_log_out: bool

    @property
    def lost(self) -> int:
        return self.rejected + self.failed_commits


def top_strip(asked: Asked) -> TopStrip:
    """The strip for whoever asks."""
    parts = asked.parts
    steps = parts.metrics.rates.events_per_step(asked.project)
    waiting_s = parts.store.last_commit_age_s()
    slowest_s = parts.metrics.rates.slowest_commit_s(asked.project)
    lag_s = max((found for found in (slowest_s, waiting_s if waiting_s > _STUCK_S else None) if found is not None), default=None)
    rejected = parts.metrics.rejected_by_code()
    # The last step is still filling; the one before tells the rate.
    return TopStrip(
        project=asked.project,
        engine=_ENGINES.get(str(parts.about["engine"]), str(parts.about["engine"])),
        version=str(parts.about["version"]),
        events_per_s=max(steps[-2:]) / STEP_S,
        peak_per_s=max(steps) / STEP_S,
        spark_path=spark_path(steps),
        lag_ms=None if lag_s is None else lag_s * 1000,
        is_stuck=waiting_s > _STUCK_S,
        rejected=sum(rejected.values()),
        rejected_by_code=tuple(sorted(rejected.items(), key=lambda item: -item[1])),
        failed_commits=parts.metrics.failed_commits(),
        can_log_out=asked.is_by_cookie,
    )


def spark_path(values: Sequence[int]) -> str:
    """An area from the floor: steps, not a smooth line, because each is a count."""
    top = max(values, default=0) or 1
    path = [f"M0 {SPARK_HEIGHT}"]
    for place, value in enumerate(values):
        height = 0 if value == 0 else max(1.5, value / top * (SPARK_HEIGHT - 1))
        path.append(f"V{SPARK_HEIGHT - height:.4g}H{place + 1}")
    return "".join(path) + f"V{SPARK_HEIGHT}Z" if any(values) else f"M0 {SPARK_HEIGHT - 0.5}H{STEPS}"
