"""
Import at once what our threads need, in one of them and while no fork can come between.

Flow: emitter's thread -> **loading**. The host's own imports stay as light as they are.
"""

from importlib import import_module

from sdk_hooks.fork_gate import importing

NEEDED = ("http.client", "json", "zlib", "hashlib", "struct", "sdk_hooks.spool.leftovers", "sdk_hooks.spool.own")
WHERE_THERE_IS_ONE = ("fcntl", "msvcrt")


def load(*, is_https: bool) -> None:
    """Everything that rendering, posting and the spool would import when they first need it."""
    with importing():
        for name in (*NEEDED, *(("ssl",) if is_https else ())):
            import_module(name)
        for name in WHERE_THERE_IS_ONE:
            try:
                import_module(name)
            except ImportError:
                continue
        # A socket imports this with the first host name.
        "localhost".encode("idna")
