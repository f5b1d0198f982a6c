"""
A store with faults: everything goes to the real one, but for the methods that a test breaks for a while.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from collector.storage.protocols import Store


class Killed(BaseException):
    """Stands for kill -9: nothing of ours catches it."""


class Doomed:
    """Something that is being stored for as long as nobody waits for it, and then was not."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def is_over(self) -> bool:
        return False

    def result(self) -> None:
        raise self._fault


class FaultyStore:
    """`will_raise` scripts the next calls of one method; None lets one through. `calls` counts all."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._faults: dict[str, deque[Exception | None]] = {}
        self._checks: dict[str, Callable[..., None]] = {}
        self._doomed: dict[str, Doomed] = {}
        self.calls: dict[str, int] = {}

    def will_raise(self, method: str, *faults: Exception | None) -> None:
        self._faults.setdefault(method, deque()).extend(faults)

    def will_fail_later(self, method: str, fault: Exception) -> None:
        """The next call of a method that does not wait for the commit begins one that fails."""
        self._doomed[method] = Doomed(fault)

    def check(self, method: str, check: Callable[..., None]) -> None:
        """Every call of the method is shown to `check` first, which may raise."""
        self._checks[method] = check

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if not callable(real):
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] = self.calls.get(name, 0) + 1
            if name in self._checks:
                self._checks[name](*args, **kwargs)
            faults = self._faults.get(name)
            fault = faults.popleft() if faults else None
            if fault is not None:
                raise fault
            return self._doomed.pop(name) if name in self._doomed else real(*args, **kwargs)

        return call
