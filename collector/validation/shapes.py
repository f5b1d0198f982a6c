"""
An event type of the catalogue as a msgspec Struct: decoding an event into it checks it and reads its columns in one step.

Flow: sdk_hooks.events -> **Shapes** -> straight.
Stricter than the catalogue on purpose. What a Struct takes has no `schema_issues` and its attributes are column values as they
are; what it refuses is not wrong, it goes the long way, which looks closer. Compiled a type at a time, when it first comes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import msgspec

from collector.validation.columns import MAX_INT32, MAX_INT64, SHORT, TEXTS
from collector.validation.identity import LONGEST_ID_BYTES
from collector.validation.media import MEDIA_NAMES
from collector.validation.reductions import SNAPSHOT_TYPE

_SHORT_TEXT: Final = Annotated[str, msgspec.Meta(min_length=1, max_length=SHORT)]
_COLUMNS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(TEXTS, _SHORT_TEXT),
    "eventId": Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID_BYTES)],
    "timestamp": int | float,
    "duration": int | float,
    "durationMs": int | float,
    "sequence": Annotated[int, msgspec.Meta(ge=-MAX_INT64, le=MAX_INT64)],
    "messageCount": Annotated[int, msgspec.Meta(ge=-MAX_INT32, le=MAX_INT32)],
}
"""How fields that become columns are spelt where nothing has to be done for it."""
_REQUIRED: Final = frozenset({"timestamp", "eventId"})
"""Without these an event's time or name is found otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One event type. `decode` raises msgspec.MsgspecError (or UnicodeDecodeError, RecursionError) for what is not exactly it."""

    decode: Callable[[bytes | msgspec.Raw], Any]
    open_names: tuple[str, ...]
    """Fields in which anything may lie, however deep."""
    hidden_names: tuple[str, ...]
    """The same, but inside of Structs, where nobody can walk."""
    names_media: bool
    """Whether a field is named as those that hold media."""
    open_values: Callable[[Any], tuple[Any, ...]]
    no_values: tuple[None, ...]

    def is_open(self, event: Any) -> bool:
        """Whether the event has any of the fields in which anything may lie."""
        return self.open_values(event) != self.no_values


class Shapes:
    """The shapes of a catalogue: type name -> TypedDict."""

    def __init__(self, catalogue: Mapping[str, type]) -> None:
        self._catalogue = catalogue
        self._known: dict[str, Shape | None] = {}
        self._structs: dict[Any, Any] = {}

    def get(self, type_name: str) -> Shape | None:
        """The shape of a type; None for one that always goes the long way."""
        try:
            return self._known[type_name]
        except KeyError:
            return self._compile(type_name)

    def _compile(self, type_name: str) -> Shape | None:
        described = self._catalogue.get(type_name)
        # Unknown names are not remembered: a sender could make up any number of them.
        if described is None:
            return None
        shape = None if type_name == SNAPSHOT_TYPE else self._shape(type_name, described)
        self._known[type_name] = shape
        return shape

    def _shape(self, type_name: str, described: type) -> Shape:
        hints = get_type_hints(described)
        kinds = {name: _COLUMNS.get(name) or self._strict(kind) for name, kind in hints.items()}
        kinds["type"] = Literal[type_name]
        struct = _struct(type_name, kinds, required=_REQUIRED.union(described.__required_keys__))  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType]
        open_names = [name for name, kind in hints.items() if _is_open(kind)]
        return Shape(
            decode=msgspec.json.Decoder(struct).decode,
            open_names=tuple(name for name in open_names if not _holds_structs(hints[name])),
            hidden_names=tuple(name for name in open_names if _holds_structs(hints[name])),
            names_media=not MEDIA_NAMES.isdisjoint(_names(described)),
            # Two at least: every event may have tags and options.
            open_values=attrgetter(*open_names),
            no_values=(None,) * len(open_names),
        )

    def _strict(self, kind: Any) -> Any:
        """The same kind with Structs for TypedDicts. They take no unknown field, because msgspec does not look into one."""
        if is_typeddict(kind):
            if kind not in self._structs:
                inner = {name: self._strict(hint) for name, hint in get_type_hints(kind).items()}
                self._structs[kind] = _struct(kind.__name__, inner, required=kind.__required_keys__)
            return self._structs[kind]
        origin, arguments = get_origin(kind), get_args(kind)
        inside = tuple(self._strict(argument) for argument in arguments)
        if origin is list:
            return list[inside]
        if origin is dict:
            return dict[inside[0], inside[1]]
        if origin in (Union, UnionType):
            return Union[inside]  # noqa: UP007  (not known before)
        return kind


def _struct(name: str, kinds: Mapping[str, Any], *, required: frozenset[str]) -> type[msgspec.Struct]:
    # Absent is None: no field takes a null, or the long way takes the event.
    fields = [(field, kind) if field in required else (field, kind, None) for field, kind in kinds.items()]
    return msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True, gc=False)


def _is_open(kind: Any) -> bool:
    if is_typeddict(kind):
        return any(map(_is_open, get_type_hints(kind).values()))
    return kind is Any or any(map(_is_open, get_args(kind)))


def _holds_structs(kind: Any) -> bool:
    return is_typeddict(kind) or any(map(_holds_structs, get_args(kind)))


def _names(kind: Any) -> Iterator[str]:
    """All names of fields, those inside of fields too."""
    if is_typeddict(kind):
        for name, hint in get_type_hints(kind).items():
            yield name
            yield from _names(hint)
    for argument in get_args(kind):
        yield from _names(argument)
