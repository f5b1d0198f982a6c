"""
The client of hookline: wrap an SDK's client, and its calls become events.

Flow: host -> **sdk_hooks** -> hooks -> recorder -> emitter -> transport -> collector.
Importing does nothing: no threads, no environment, no I/O; a name's module is loaded when the name is first used.

    from sdk_hooks import instrument
    client = instrument(OpenAI())
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sdk_hooks.api import configure, flush, losses, shutdown
    from sdk_hooks.context import session
    from sdk_hooks.logs import LogFilter, log_ids
    from sdk_hooks.observing import observe
    from sdk_hooks.registry import instrument, uninstrument

__all__ = [
    "LogFilter",
    "configure",
    "flush",
    "instrument",
    "log_ids",
    "losses",
    "observe",
    "session",
    "shutdown",
    "uninstrument",
]

_HOMES = {
    "configure": "sdk_hooks.api",
    "flush": "sdk_hooks.api",
    "losses": "sdk_hooks.api",
    "shutdown": "sdk_hooks.api",
    "session": "sdk_hooks.context",
    "LogFilter": "sdk_hooks.logs",
    "log_ids": "sdk_hooks.logs",
    "observe": "sdk_hooks.observing",
    "instrument": "sdk_hooks.registry",
    "uninstrument": "sdk_hooks.registry",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'sdk_hooks' has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
