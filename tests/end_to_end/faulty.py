"""
How tests of faults look at a collector: what a refused POST must be, what /readyz says, what is stored.
"""

from tests.end_to_end.database import query
from tests.fakes.running import Answer, Running, chat_call


def refused(answer: Answer) -> None:
    """A clear 503: a problem that says when to come again."""
    assert 503 == answer.status
    assert "application/problem+json" == answer.headers["content-type"]
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert "readyz" in answer.json["detail"]


def readiness(collector: Running) -> tuple[int, str]:
    """The status of /readyz, and what it says."""
    answer = collector.get("/readyz")
    if answer.status == 200:
        return 200, ""
    # `hookline doctor` shows the detail, as of every problem.
    assert answer.json["detail"] == answer.json["reason"]
    return answer.status, answer.json["reason"]


def stored(url: str) -> set[str]:
    """The calls that have events."""
    return {row["request_id"] for row in query(url, "SELECT DISTINCT request_id FROM events")}


def post_until_refused(collector: Running, name: str, content: str, *, most: int = 200) -> tuple[list[str], Answer]:
    """Calls that were acknowledged, and the first answer that was not."""
    taken: list[str] = []
    for number in range(most):
        answer = collector.post_events(*chat_call(f"{name}-{number}", content=content))
        if answer.status != 200:
            return taken, answer
        taken.append(f"{name}-{number}")
    raise AssertionError(f"{most} calls were taken")
