"""
Messages that the collector has already: agents resend their whole history with every call.

Flow: emitter -> **encode_long** -> backlog -> delivery -> **Repeats** -> encoding.
An event waits whole, in memory and on disk. Only for one POST long messages become references, and only those whose content
this collector has acknowledged; it says when it has one no more, and then the event goes again, whole.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, cast

LEAST_BYTES = 1024
MOST_KNOWN = 4096
"""Contents whose hashes are remembered: 0.6 MB at most."""
MOST_TRIES = 2
"""A content that the collector did not keep as we sent it (its rules changed it) is not tried for ever."""
TYPE = "text:request:started"
_MEDIA = (b'"data:', b"b64", b"B64", b"base64")

Encode = Callable[[dict[str, Any]], bytes]


class Place(NamedTuple):
    """Where a long message stands in an event's bytes, and who said it."""

    start: int
    end: int
    role: bytes


class LongEvent(bytes):
    """An encoded event that knows where its long messages stand. For everybody else it is its bytes."""

    places: tuple[Place, ...] = ()


class Parcel(NamedTuple):
    """The events of one POST, as they go."""

    events: list[bytes]
    told: tuple[bytes, ...]
    """Hashes of the messages that go whole: with the answer the collector has them."""
    referred: dict[int, tuple[bytes, ...]]
    """Hashes of those that do not, by the event's place."""
    store: str
    """For which store the references are; empty asks for its name."""


def encode_long(event: dict[str, Any], encode: Encode) -> bytes:
    """The event as `encode` gives it, piece by piece, with the places of its long messages where it has any."""
    if event.get("type") != TYPE or not isinstance(event.get("messages"), list):
        return encode(event)
    return encode_messages(event, encode, b"")


def encode_messages(event: dict[str, Any], encode: Encode, head: bytes) -> bytes:
    """The same for an event that has a list of messages. `head`: what goes before it, an object without its last brace."""
    messages = event["messages"]
    names = list(event)
    at = names.index("messages")
    before = encode({name: event[name] for name in names[:at]})[:-1]
    after = encode({name: event[name] for name in names[at + 1 :]})
    if head:
        before = head + b"," + before[1:] if at else head
    pieces = [before, b',"messages":[' if at or head else b'"messages":[']
    start = len(pieces[0]) + len(pieces[1])
    places: list[Place] = []
    for message in messages:
        piece = encode(message)
        if len(piece) >= LEAST_BYTES and isinstance(message, dict) and not _is_changed(cast("dict[str, Any]", message), piece):
            places.append(Place(start, start + len(piece), _role(cast("dict[str, Any]", message))))
        pieces += (piece, b",")
        start += len(piece) + 1
    if messages:
        del pieces[-1]
    encoded = b"".join((*pieces, b"]", b"}" if len(after) == len(b"{}") else b"," + after[1:]))
    if not places:
        return encoded
    found = LongEvent(encoded)
    found.places = tuple(places)
    return found


def _is_changed(message: dict[str, Any], piece: bytes) -> bool:
    """Whether the collector keeps it in another form than it was sent; texts alone are searched for nothing that is so."""
    is_plain = all(isinstance(value, str) for value in message.values())
    return not is_plain and any(mark in piece for mark in _MEDIA)


def _role(message: dict[str, Any]) -> bytes:
    role = message.get("role")
    return b'"role":"%s",' % role.encode() if isinstance(role, str) and role.isalnum() and role.isascii() else b""


class Repeats:
    """What one collector is known to have. For the emitter's thread only."""

    def __init__(self) -> None:
        self._store = ""
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._tries: OrderedDict[bytes, int] = OrderedDict()

    def shorten(self, events: Sequence[bytes]) -> Parcel:
        """The events with references for what the collector has."""
        from hashlib import sha256

        told: list[bytes] = []
        referred: dict[int, tuple[bytes, ...]] = {}
        going: list[bytes] = []
        for n, event in enumerate(events):
            if isinstance(event, LongEvent):
                hashes = [sha256(event[place.start : place.end]).digest() for place in event.places]
                there = [digest in self._known for digest in hashes]
                told += [digest for digest, is_there in zip(hashes, there, strict=True) if not is_there]
                if any(there):
                    referred[n] = tuple(digest for digest, is_there in zip(hashes, there, strict=True) if is_there)
                    event = _shortened(event, hashes, there)
            going.append(event)
        return Parcel(going, tuple(told), referred, self._store)

    def learn(self, store: str | None, parcel: Parcel, *, is_whole: bool) -> None:
        """The collector has answered; `is_whole`: it took all of the events. Another name is another store, or none."""
        if store != self._store:
            self._known.clear()
            self._tries.clear()
            self._store = store or ""
        if not store or not is_whole:
            return
        for digest in (*parcel.told, *(digest for hashes in parcel.referred.values() for digest in hashes)):
            if self._tries.get(digest, 0) < MOST_TRIES:
                self._known[digest] = None
                self._known.move_to_end(digest)
        _bound(self._known)

    def forget(self, digests: Iterable[bytes]) -> None:
        """The collector has these no more, or never had them in this form."""
        for digest in digests:
            self._known.pop(digest, None)
            self._tries[digest] = self._tries.pop(digest, 0) + 1
        _bound(self._tries)


def _shortened(event: LongEvent, hashes: Sequence[bytes], there: Sequence[bool]) -> bytes:
    pieces: list[bytes] = []
    at = 0
    for place, digest, is_there in zip(event.places, hashes, there, strict=True):
        if is_there:
            pieces += (event[at : place.start], b'{%s"ref":"sha256:%s"}' % (place.role, digest.hex().encode()))
            at = place.end
    return b"".join((*pieces, event[at:]))


def _bound(remembered: OrderedDict[bytes, Any]) -> None:
    while len(remembered) > MOST_KNOWN:
        remembered.popitem(last=False)
