"""
Send many spans in requests of limited size, and find the one that a backend does not take.

Flow: encoded spans -> **requests, halved while they are declined** -> an outcome a span.
Knows nothing of OTLP's bytes or transports: it is given a function that posts some of the spans.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collector.exporters.otlp_answers import Accepted, Answer, Away, Declined
from collector.exporters.protocol import Later, Outcome, Refused, Sent

ALIKE_ANSWERS = 3
"""So many single spans in a row declined in the same way, none taken: it is not the spans. The rest is not tried one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`budget_s` bounds the whole delivery; what it leaves untried is Later."""

    request_bytes: int
    budget_s: float


def deliver(
    spans: Sequence[bytes], post: Callable[[Sequence[bytes]], Answer], *, limits: Limits, monotonic_s: Callable[[], float]
) -> list[Outcome]:
    """An outcome for each span, in their order."""
    delivery = _Delivery(spans, post)
    ends_s = monotonic_s() + limits.budget_s
    while delivery.has_parts:
        if monotonic_s() >= ends_s:
            delivery.give_up(Later(reason="no time left in this round", after_s=0.0))
        else:
            delivery.send_next(limits.request_bytes)
    return delivery.outcomes()


class _Delivery:
    """Parts of a batch that wait for their turn, and what became of the others."""

    def __init__(self, spans: Sequence[bytes], post: Callable[[Sequence[bytes]], Answer]) -> None:
        self._spans = spans
        self._post = post
        self._outcomes: list[Outcome | None] = [None] * len(spans)
        self._parts: deque[range] = deque([range(len(spans))] if spans else [])
        self._declined_alike = 0

    @property
    def has_parts(self) -> bool:
        return bool(self._parts)

    def outcomes(self) -> list[Outcome]:
        return [outcome if outcome is not None else Later(reason="not tried") for outcome in self._outcomes]

    def send_next(self, request_bytes: int) -> None:
        part = self._cut(self._parts.popleft(), request_bytes)
        match self._post([self._spans[index] for index in part]):
            case Accepted():
                self._mark(part, Sent())
                self._declined_alike = 0
            case Away(reason=reason, after_s=after_s):
                self._mark(part, Later(reason=reason, after_s=after_s))
                self.give_up(Later(reason=reason, after_s=after_s))
            case Declined() if len(part) > 1:
                middle = len(part) // 2
                self._parts.extendleft((part[middle:], part[:middle]))
            case Declined() as answer:
                self._lone(part, answer)

    def _cut(self, part: range, request_bytes: int) -> range:
        """The first spans of the part that fit a request, one at least; the others go back in line."""
        size_bytes = 0
        for taken, index in enumerate(part):
            size_bytes += len(self._spans[index])
            if size_bytes > request_bytes and taken:
                self._parts.appendleft(part[taken:])
                return part[:taken]
        return part

    def _lone(self, part: range, answer: Declined) -> None:
        self._mark(part, _outcome(answer))
        is_general = answer.is_about_us or not answer.is_final
        self._declined_alike = self._declined_alike + 1 if is_general else 0
        if self._declined_alike >= ALIKE_ANSWERS:
            self.give_up(Refused(reason=answer.reason) if answer.is_final else Later(reason=answer.reason))

    def give_up(self, outcome: Outcome) -> None:
        """Nothing more is tried: this is what became of the rest."""
        while self._parts:
            self._mark(self._parts.popleft(), outcome)

    def _mark(self, part: range, outcome: Outcome) -> None:
        for index in part:
            self._outcomes[index] = outcome


def _outcome(answer: Declined) -> Outcome:
    return Refused(reason=answer.reason) if answer.is_final else Later(reason=answer.reason, is_about_span=True)
