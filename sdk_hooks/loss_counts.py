"""
Count what was lost, by reason.

Flow: recorder, emitter -> **loss_counts** -> `sdk_hooks.losses()`.
Not named losses: that would hide the function of this name in the package.
Nothing is lost silently: whoever drops an event or a call counts it here.
"""

from threading import RLock

REASONS = (
    "buffer_full",  # the buffer was full when a call began: the whole call is not recorded
    "undelivered",  # the collector stayed away and there was no spool, until the oldest events had to go
    "exit",  # neither delivered nor spooled when the process ended
    "spool_full",  # the spool was at its bound: its oldest file went
    "spool_expired",  # nobody delivered a file of the spool until it was too old
    "spool_torn",  # a record of the spool could not be read; one at least, where its head is gone too
    "refused",  # the collector refused the batch for good; also counted as refused_<status>
    "rejected",  # the collector rejected the single event; also counted as rejected_<code>
    "too_large",  # one event alone was over the collector's limit
    "redacted",  # `redact` returned None
    "redact_failed",  # `redact` raised or returned no event: nothing unredacted leaves
    "render_failed",  # a record could not be turned into an event
)


class Losses:
    """Counters that threads share. Reentrant: a destructor may count in the middle of a count."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._counts: dict[str, int] = dict.fromkeys(REASONS, 0)

    def count(self, reason: str, n: int = 1) -> None:
        with self._lock:
            self._counts[reason] = self._counts.get(reason, 0) + n

    def snapshot(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)
