"""
The bell that wakes the emitter's thread.
"""

from sdk_hooks.bell import Bell


def test_bell_is_heard_once_however_often_it_was_rung() -> None:
    """
    Rung three times before anybody waits: it is heard once, and can then be rung again.
    """
    bell = Bell()
    for _ in range(2):
        for _ in range(3):
            bell.ring()

        assert [True, False] == [_hears(bell), _hears(bell)]


def test_bell_that_was_hushed_can_be_rung_again() -> None:
    """
    What was rung is forgotten; the next ring is heard.
    """
    bell = Bell()
    bell.ring()
    bell.hush()

    assert not _hears(bell)

    bell.ring()

    assert _hears(bell)


def _hears(bell: Bell) -> bool:
    """What `wait` does, without waiting."""
    return bell._silence.acquire(blocking=False)
