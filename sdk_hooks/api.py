"""
What is not a hook in the public interface: settings, flushing, counting.

Flow: host -> `sdk_hooks` -> **api** -> runtime.
None of these raises into the host.
"""

from typing import Unpack

from sdk_hooks.config import Options
from sdk_hooks.guard import guard
from sdk_hooks.loss_counts import Losses
from sdk_hooks.runtime import current_runtime, made_runtime


def configure(**settings: Unpack[Options]) -> None:
    """Settings for the whole process: they win over the environment, `instrument` and `session` win over them."""
    with guard("configure"):
        runtime = current_runtime()
        runtime.config.update(settings)
        runtime.emitter.refresh()


def flush(timeout: float = 2.0) -> bool:
    """Wait until everything recorded so far is delivered. False: not all of it, or not within `timeout` seconds."""
    with guard("flush"):
        runtime = made_runtime()
        return runtime is None or runtime.emitter.flush(timeout)
    return False


def shutdown(timeout: float = 2.0) -> bool:
    """Deliver what there is and stop. Calls made later are not recorded."""
    with guard("shutdown"):
        runtime = made_runtime()
        return runtime is None or runtime.emitter.close(timeout)
    return False


def losses() -> dict[str, int]:
    """How many events or calls were lost in this process, by reason."""
    runtime = made_runtime()
    return (runtime.losses if runtime else Losses()).snapshot()
