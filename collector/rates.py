"""
How much comes in, lately: the figures that the page's top strip shows.

Flow: ingest (CountedWriter) -> **Rates** -> web. In memory and per project: a look costs the database nothing.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

STEP_S: Final = 2
STEPS: Final = 60
"""So many steps are kept: two minutes."""
_MOST_PROJECTS: Final = 1000


@dataclass(slots=True)
class _Step:
    number: int
    events: int = 0
    slowest_s: float = 0.0


@dataclass(slots=True)
class _Project:
    steps: deque[_Step] = field(default_factory=lambda: deque(maxlen=STEPS))


class Rates:
    """Events a step and the slowest commit of each. May be called from any thread."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._projects: dict[str, _Project] = {}

    def now_s(self) -> float:
        """By its clock."""
        return self._clock_s()

    def note(self, project: str, events: int, *, took_s: float, at_s: float | None = None) -> None:
        """A batch was committed `took_s` after it came; `at_s` where that was not just now."""
        number = self._now() if at_s is None else int(at_s / STEP_S)
        with self._lock:
            if project not in self._projects and len(self._projects) >= _MOST_PROJECTS:
                self._projects.clear()
            steps = self._projects.setdefault(project, _Project()).steps
            if not steps or steps[-1].number < number:
                steps.append(_Step(number))
            steps[-1].events += events
            steps[-1].slowest_s = max(steps[-1].slowest_s, took_s)

    def events_per_step(self, project: str) -> list[int]:
        """The last STEPS steps, oldest first; the last one is still filling."""
        now, found = self._now(), [0] * STEPS
        for step in self._steps(project):
            place = STEPS - 1 - (now - step.number)
            if 0 <= place < STEPS:
                found[place] = step.events
        return found

    def slowest_commit_s(self, project: str, *, within_s: float = 20.0) -> float | None:
        """The longest wait for a commit lately, None where nothing came."""
        oldest = self._now() - int(within_s / STEP_S)
        return max((step.slowest_s for step in self._steps(project) if step.number >= oldest), default=None)

    def _steps(self, project: str) -> list[_Step]:
        with self._lock:
            found = self._projects.get(project)
            return list(found.steps) if found else []

    def _now(self) -> int:
        return int(self._clock_s() / STEP_S)
