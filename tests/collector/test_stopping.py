"""
How the limit of a stop is shared out.
"""

from collector.stopping import Stopping


def test_each_part_gets_its_share_of_what_is_left() -> None:
    """
    Requests have two fifths of the limit; work has a part of what they left; a second `begin` does not begin anew.
    """
    now_s = [100.0]
    stopping = Stopping(10.0, lambda: now_s[0])
    assert 4.0 == stopping.requests_s
    assert 10.0 == stopping.left_s()

    stopping.begin()
    now_s[0] += 5.0
    stopping.begin()
    assert 5.0 == stopping.left_s()
    assert 3.0 == stopping.for_work_s()
    now_s[0] += 60.0
    assert 0.0 == stopping.left_s()
