"""
Ends of a process that neither `atexit` nor multiprocessing's finalizers see: servers that leave by a way of their own.

Flow: runtime, emitter's thread -> **exits**; the server's stop -> **exits** -> emitter.

| server | how its process ends | where we come before |
|---|---|---|
| uvicorn | it stops in peace, then raises SIGTERM again, whose default action ends it at once | after `Server.shutdown` |
| Celery's workers | `os._exit`, also of a worker that is replaced by a new one | its signal `worker_process_shutdown` |

No handler of a signal is touched: a host that is busy in a library written in C must still end when it is told to.
"""

import sys
from collections.abc import Callable
from typing import Any

from sdk_hooks.guard import guard


class Exits:
    """Looks for those servers, and has `before_end` called when they end: it may block for as long as an exit may take."""

    def __init__(self, before_end: Callable[[], object]) -> None:
        self._before_end = before_end
        self._unseen = {"uvicorn.server": self._hold_uvicorn, "celery.signals": self._hold_celery}

    def look(self) -> None:
        """Hold what the host has imported meanwhile. So cheap that it may be called at every round."""
        for name in [*self._unseen]:
            module: Any = sys.modules.get(name)
            if module is not None and name in self._unseen:
                # While it is being imported, it may lack what we look for: then it is looked at again.
                with guard(f"exits.{name}"):
                    if self._unseen[name](module):
                        self._unseen.pop(name, None)

    def _hold_uvicorn(self, module: Any) -> bool:
        server: Any = getattr(module, "Server", None)
        original: Any = getattr(server, "shutdown", None)
        if original is None or hasattr(original, "__hookline_exit__"):
            return original is not None
        from functools import wraps

        @wraps(original)
        async def shutdown(self_: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return await original(self_, *args, **kwargs)
            finally:
                # A second Ctrl-C wants an end at once.
                if not getattr(self_, "force_exit", False):
                    with guard("exits.uvicorn"):
                        await _in_a_thread(self._before_end)

        vars(shutdown)["__hookline_exit__"] = True
        server.shutdown = shutdown
        return True

    def _hold_celery(self, module: Any) -> bool:
        signal: Any = getattr(module, "worker_process_shutdown", None)
        if signal is None:
            return False

        def before_end(**_: Any) -> None:
            with guard("exits.celery"):
                self._before_end()

        signal.connect(before_end, weak=False)
        return True


async def _in_a_thread(work: Callable[[], object]) -> None:
    """Other servers may live in the same event loop."""
    from asyncio import get_running_loop

    await get_running_loop().run_in_executor(None, work)
