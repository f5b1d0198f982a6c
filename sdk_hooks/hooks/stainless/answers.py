"""
What is read of an answer, in plain copies.

Flow: SDK object -> **plain copies** (caller's thread) -> fields of the terminal event (emitter's thread).
Strings and numbers are copied out of an SDK object, and it is let go. An attribute that an object lacks is None here: an
unknown shape is recorded as unknown, not guessed.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Protocol, cast, get_args, get_origin

Event = dict[str, Any]


class Answer(NamedTuple):
    """What every answer has: the fields that are already final, and the usage as the provider wrote it."""

    fields: Event
    usage: Event | None


def get(thing: Any, name: str) -> Any:
    """
    An attribute, or None. A pydantic model takes microseconds to say that it has none of a name, so it is not asked.
    """
    try:
        told = thing.__dict__
        if name in told:
            return told[name]
        extra = thing.__pydantic_extra__
    except AttributeError:
        return getattr(thing, name, None)
    return extra.get(name) if extra else None


Plain = tuple[Any, Any, str, Any, Event | None]
"""
What nearly every answer is, a text and nothing else: model, id, text, finish reason, usage.

A bare tuple, which costs a fifth of an object of a class: it is made at every call, in the host's thread.
"""


def plain_answer(told: Plain) -> Answer:
    model, response_id, text, reason, usage = told
    return Answer({"responseModel": model, "responseId": response_id, "content": text, "finishReason": reason}, usage)


def take_usage(usage: Any) -> Event | None:
    """A copy of the provider's usage, with what is inside; what it says is looked at in the emitter's thread."""
    if usage is None:
        return None
    kind: Any = type(usage)  # pyright: ignore[reportUnknownVariableType]
    details = _details.get(kind)
    if details is None or usage.__pydantic_extra__:
        return _take_any_usage(usage)
    # Counts are most of it, and this runs at every call: only those fields are looked at that are more by their class.
    taken: Event = usage.__dict__.copy()
    for name in details:
        inner = taken.get(name)
        if inner is None:
            continue
        # Counts again, nearly always: read here, a call of a function less.
        if not _details.get(cast("Any", type(inner)), NOT_KNOWN) and not inner.__pydantic_extra__:
            taken[name] = inner.__dict__.copy()
        # What was not said stays as it is: `is_unset` sees it where it is read.
        elif type(inner) not in NO_DETAILS:
            taken[name] = take_usage(inner)
    return taken


def _take_any_usage(usage: Any) -> Any:
    if type(usage) in PLAIN:
        return usage
    taken = fields_of(usage)
    if not taken and is_unset(usage):
        return None
    kind: Any = type(usage)  # pyright: ignore[reportUnknownVariableType]
    known: Any = getattr(kind, "model_fields", None)
    if isinstance(known, dict) and len(_details) < 1_000:
        fields = cast("dict[str, Any]", known)
        _details[kind] = tuple(name for name, field in fields.items() if not _is_count(field.annotation))
    for name, value in taken.items():
        if type(value) not in PLAIN:
            inner = fields_of(value)
            taken[name] = inner if inner or not is_unset(value) else None
    return taken


def _is_count(annotation: Any) -> bool:
    """Whether a field holds a number, a text or nothing, and so no details."""
    return all(kind in PLAIN or get_origin(kind) is Literal for kind in get_args(annotation) or (annotation,))


NOT_KNOWN = ("",)
_details: dict[type, tuple[str, ...]] = {}
"""By class of a usage: its fields that hold more than a count."""


def is_unset(value: Any) -> bool:
    """Whether it is a model without fields: what openrouter puts where nothing was said. Remembered by class."""
    kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    known = _unset.get(kind)
    if known is None:
        known = getattr(kind, "model_fields", None) == {}
        if len(_unset) < 1_000:
            _unset[kind] = known
            if known:
                NOTHING.add(kind)
                NO_DETAILS.add(kind)
    return known


_unset: dict[type, bool] = {}
NOTHING: set[type] = {type(None)}
"""Kinds of what says nothing, as far as `is_unset` has seen them: for readers that ask at every call."""


SCALARS = frozenset((int, float, str, bool))
PLAIN = SCALARS | {type(None), list}
NO_DETAILS: set[type] = {*PLAIN}
"""Kinds of what a usage holds that `take_usage` has no need to look into."""


def fields_of(model: Any) -> Event:
    """A new dict of an object's fields, those included that the SDK doesn't know."""
    if type(model) is dict:
        return {**model}
    fields: Event = model.__dict__.copy()
    extra: Any = getattr(model, "__pydantic_extra__", None)
    if extra:
        fields |= extra
    return fields


def plain(value: Any, *, keeps_none: bool = False) -> Any:
    """JSON data of whatever an answer holds."""
    if isinstance(value, list):
        return [plain(inner, keeps_none=keeps_none) for inner in cast("list[Any]", value)]
    if type(value) in PLAIN:
        return value
    said: Event = {}
    for name, inner in fields_of(value).items():
        if type(inner) in SCALARS:
            said[str(name)] = inner
        elif keeps_none or (inner is not None and not is_unset(inner)):
            said[str(name)] = plain(inner, keeps_none=keeps_none)
    return said


class Readable(Protocol):
    """Something an answer can still be read out of: a raw body."""

    def answer(self) -> Answer | None: ...


Given = Answer | Plain | Readable | None
"""What a hook ends a call with."""


def answer_of(given: Given) -> Answer | None:
    if type(given) is tuple:
        return plain_answer(given)
    return given if given is None or isinstance(given, Answer) else cast("Readable", given).answer()


TokenUsage = Callable[[Event | None], Event]
"""A provider's own usage -> the event's `usage`; empty for none."""


def completed_by(token_usage: TokenUsage) -> Callable[[Given], Event]:
    """What gives the fields of a terminal event, for a provider that counts in its own way."""

    def completed(given: Given) -> Event:
        answer = answer_of(given)
        if answer is None:
            return {}
        usage = token_usage(answer.usage)
        return answer.fields | {"usage": usage} if usage else answer.fields

    return completed


def camel(name: str) -> str:
    known = _camel.get(name)
    if known is None:
        first, *rest = name.split("_")
        known = first + "".join(part.capitalize() for part in rest)
        # Names come from providers: they may be anything.
        if len(_camel) < 1_000:
            _camel[name] = known
    return known


_camel: dict[str, str] = {}
