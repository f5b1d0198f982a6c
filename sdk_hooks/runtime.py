"""
Everything that one process has once: settings, identity, losses, emitter.

Flow: `sdk_hooks` -> **runtime** -> recorder, emitter.
Made when first needed and anew in a forked child; tests put one of their own in place (`use`).
"""

import os
from collections.abc import Callable
from threading import RLock
from time import monotonic

from sdk_hooks import fork_gate
from sdk_hooks.buffer import Backlog
from sdk_hooks.config import Config, DeliverySettings
from sdk_hooks.delivery import Connect, Delivery
from sdk_hooks.emitter import Emitter
from sdk_hooks.exits import Exits
from sdk_hooks.identity import Identity
from sdk_hooks.loss_counts import Losses
from sdk_hooks.resource import describe
from sdk_hooks.transport import HttpTransport


class Runtime:
    """One process's recording. `starts_thread=False`: nothing moves until somebody calls `emitter.flush`."""

    def __init__(
        self,
        config: Config | None = None,
        *,
        connect: Connect = HttpTransport,
        starts_thread: bool = True,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        self.config = config or Config()
        self.connect = connect
        self.starts_thread = starts_thread
        self.losses = Losses()
        self.identity = Identity()
        self.emitter = Emitter(
            settings=self.config.delivery,
            losses=self.losses,
            prefix=self.identity.prefix,
            delivery=self._delivery,
            on_start=_close_at_exit,
            on_round=_EXITS.look,
            starts_thread=starts_thread,
            clock_s=clock_s,
        )

    def _delivery(self, backlog: Backlog, clock_s: Callable[[], float], wake: Callable[[], None]) -> Delivery:
        return Delivery(
            backlog,
            self.losses,
            self.connect,
            self._describe,
            clock_s,
            spool_folder=self.config.spool_folder(),
            project=lambda: self.config.values.get("project"),
            on_late_answer=wake,
            has_thread=self.starts_thread,
        )

    def _describe(self, settings: DeliverySettings) -> dict[str, str | int]:
        return describe(self.config.environment, settings.environment, settings.release)


_runtime: Runtime | None = None
_before_fork: list[Runtime] = []
"""Of the parent and its parents: kept, because their connections must not be closed by a destructor that waits for a lock."""
_making = RLock()
_is_watching_forks = False
_is_watching_exit = False


def current_runtime() -> Runtime:
    """This process's runtime."""
    return _runtime or _make()


def use(runtime: Runtime | None) -> Runtime | None:
    """Put a runtime in place, for tests; the one before comes back."""
    global _runtime
    before, _runtime = _runtime, runtime
    return before


def made_runtime() -> Runtime | None:
    """The runtime if something made it already: `losses` and `flush` need none."""
    return _runtime


def _make() -> Runtime:
    global _runtime, _is_watching_forks
    if not _is_watching_forks and hasattr(os, "register_at_fork"):
        _is_watching_forks = True
        os.register_at_fork(before=fork_gate.close, after_in_parent=fork_gate.reopen, after_in_child=_after_fork)
    with _making:
        if _runtime is None:
            parents = _before_fork[-1] if _before_fork else None
            _runtime = Runtime(parents.config, connect=parents.connect) if parents is not None else Runtime()
        return _runtime


def _after_fork() -> None:
    """In the child: threads are gone and locks may be held by nobody, so begin anew; settings stay."""
    global _runtime, _making
    fork_gate.renew()
    _making = RLock()
    if _runtime is not None:
        _runtime.emitter.abandon()
        _before_fork.append(_runtime)
        _runtime = None


def _close_at_exit() -> None:
    global _is_watching_exit
    import sys

    _EXITS.look()
    # Children of multiprocessing end with os._exit, past atexit; but they run its own finalizers.
    pooling = sys.modules.get("multiprocessing.util")
    if pooling is not None and sys.modules["multiprocessing.process"].parent_process() is not None:
        pooling.Finalize(None, _at_exit, exitpriority=0)
    if not _is_watching_exit:
        import atexit

        _is_watching_exit = True
        atexit.register(_at_exit)


def _at_exit() -> None:
    runtime = _runtime
    if runtime is not None:
        runtime.emitter.close(runtime.config.delivery().exit_timeout_s)


def _flush_before_end() -> None:
    """The process is about to go, but it may stay: what comes later is recorded, too."""
    runtime = _runtime
    if runtime is not None:
        runtime.emitter.flush(runtime.config.delivery().exit_timeout_s, give_up_early=True)


_EXITS = Exits(_flush_before_end)
