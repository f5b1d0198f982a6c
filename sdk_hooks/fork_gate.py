"""
Keep forks of the host and imports of our threads apart.

Flow: emitter, guard -> **fork_gate** <- the host's `os.fork`.
A fork in the middle of an import leaves the child a half-made module whose lock nobody will ever give back. Our threads import
late, so that the host's start is quick: just then a preloading server may fork its workers. A fork waits for that import.
"""

from threading import RLock

_gate = RLock()


def importing() -> RLock:
    """`with importing():` around imports in a thread of ours."""
    return _gate


def close() -> None:
    """Before a fork."""
    _gate.acquire()


def reopen() -> None:
    """After it, in the parent."""
    _gate.release()


def renew() -> None:
    """After it, in the child: the lock belongs to a thread that is the parent's."""
    global _gate
    _gate = RLock()
