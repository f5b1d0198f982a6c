"""
Send many spans in requests of limited size, and find the one that a backend does not take.

Flow: encoded spans -> **requests, halved while they are declined** -> an outcome a span.
Knows nothing of OTLP's bytes or transports: it is given a function that posts some of the spans. A verdict about a span counts
only with a sign that the backend takes others: where everything is declined, the spans are not what is wrong.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collector.exporters.otlp_answers import Accepted, Answer, Away, Declined, Unwelcome
from collector.exporters.protocol import Barred, Later, Outcome, Refused, Sent, Untried

Post = Callable[[Sequence[bytes]], Answer]

ALIKE_ANSWERS = 3
"""So many single spans in a row stumbled over, none taken: it is not the spans. The rest is not tried one by one."""

ALL_SPANS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`budget_s` bounds the whole delivery; what it leaves untried is Untried, and so is the rest once `is_ending` says so."""

    request_bytes: int
    budget_s: float
    request_spans: int = ALL_SPANS
    is_ending: Callable[[], bool] = lambda: False


def deliver(spans: Sequence[bytes], post: Post, *, limits: Limits, monotonic_s: Callable[[], float]) -> list[Outcome]:
    """An outcome for each span, in their order."""
    delivery = _Delivery(spans, post)
    ends_s = monotonic_s() + limits.budget_s
    while delivery.has_parts:
        if monotonic_s() >= ends_s or limits.is_ending():
            delivery.give_up(Untried())
        else:
            delivery.send_next(limits)
    return delivery.outcomes()


def next_request_spans(now: int, outcomes: Sequence[Outcome]) -> int:
    """
    `Limits.request_spans` for the next delivery. Where time ended before halving came to an end and nothing was taken, the next
    one begins with smaller parts: else it would only do the same again.
    """
    kinds = {type(outcome) for outcome in outcomes}
    if Untried not in kinds:
        return ALL_SPANS
    return max(min(now, len(outcomes)) // 8, 1) if kinds == {Untried} else min(now * 8, ALL_SPANS)


class _Delivery:
    """Parts of a batch that wait for their turn, and what became of the others."""

    def __init__(self, spans: Sequence[bytes], post: Post) -> None:
        self._spans = spans
        self._post = post
        self._outcomes: list[Outcome] = [Untried()] * len(spans)
        self._parts: deque[range] = deque([range(len(spans))] if spans else [])
        self._stumbles: list[tuple[int, str]] = []
        self._stumbles_in_a_row = 0
        self._has_sent = False
        self._is_welcome = False

    @property
    def has_parts(self) -> bool:
        return bool(self._parts)

    def outcomes(self) -> list[Outcome]:
        """What became of each span. Those that the backend stumbled over are to blame only where it took others."""
        for index, reason in self._stumbles:
            self._outcomes[index] = Later(reason=reason, is_about_span=self._has_sent)
        return self._outcomes

    def send_next(self, limits: Limits) -> None:
        part = self._cut(self._parts.popleft(), limits)
        match self._post([self._spans[index] for index in part]):
            case Accepted():
                self._mark(part, Sent())
                self._has_sent = self._is_welcome = True
                self._stumbles_in_a_row = 0
            case Away(reason=reason, after_s=after_s):
                self._end(part, Later(reason=reason, after_s=after_s))
            case Unwelcome(reason=reason):
                self._end(part, Barred(reason=reason))
            case Declined() if len(part) > 1:
                middle = len(part) // 2
                self._parts.extendleft((part[middle:], part[:middle]))
            case Declined(is_final=True, reason=reason):
                self._lone_refusal(part, reason)
            case Declined(reason=reason):
                self._lone_stumble(part, reason)

    def give_up(self, outcome: Outcome) -> None:
        """Nothing more is tried: this is what became of the rest."""
        while self._parts:
            self._mark(self._parts.popleft(), outcome)

    def _cut(self, part: range, limits: Limits) -> range:
        """The first spans of the part that fit a request, one at least; the others go back in line."""
        size_bytes = 0
        for taken, index in enumerate(part):
            size_bytes += len(self._spans[index])
            if taken and (size_bytes > limits.request_bytes or taken >= limits.request_spans):
                self._parts.appendleft(part[taken:])
                return part[:taken]
        return part

    def _lone_refusal(self, part: range, reason: str) -> None:
        """Where nothing was taken yet, a request without spans shows whether this span is what the backend minds."""
        answer = Accepted() if self._is_welcome else self._post([])
        match answer:
            case Accepted():
                self._is_welcome = True
                self._stumbles_in_a_row = 0
                self._mark(part, Refused(reason=reason))
            case Away(reason=away, after_s=after_s):
                self._end(part, Later(reason=away, after_s=after_s))
            case Declined(is_final=False, reason=stumble):
                self._end(part, Later(reason=stumble))
            case Declined() | Unwelcome():
                self._end(part, Barred(reason=reason))

    def _lone_stumble(self, part: range, reason: str) -> None:
        # Here a request without spans would prove nothing: a backend without its disk takes it and stumbles over all others.
        self._stumbles.append((part[0], reason))
        self._stumbles_in_a_row += 1
        if self._stumbles_in_a_row >= ALIKE_ANSWERS:
            self.give_up(Later(reason=reason))

    def _end(self, part: range, outcome: Outcome) -> None:
        self._mark(part, outcome)
        self.give_up(outcome)

    def _mark(self, part: range, outcome: Outcome) -> None:
        for index in part:
            self._outcomes[index] = outcome
