"""
The bell that wakes the emitter's thread.
"""

from sdk_hooks.bell import Bell


def test_bell_is_heard_once_however_often_it_was_rung() -> None:
    """
    Rung three times before anybody waits: the first wait ends at once, the second one has nothing to hear.
    """
    bell = Bell()
    for _ in range(3):
        bell.ring()

    bell.wait(None)

    assert not bell._silence.acquire(blocking=False)


def test_bell_can_be_rung_again_after_it_was_heard() -> None:
    """
    A ring after the wait is a new one; so is one after the last was forgotten.
    """
    bell = Bell()
    for forget in (lambda: bell.wait(None), bell.hush):
        bell.ring()
        forget()
        bell.ring()
        bell.wait(None)

    assert not bell._silence.acquire(blocking=False)
