"""
Messages that come again and again: agents resend their whole history with every request.

Flow: straight | long_way -> **repeats** -> batch -> storage.
A message of 1 KiB or more of a `text:request:started` is kept once per content, and the row refers to it. A sender that knows a
content to be here may send `{"role", "ref": "sha256:…"}` in its place; whether it is here only the transaction can tell. This
comes last: a content is what was left after redaction and the other reductions, and its hash is of that.
"""

import hashlib
import re
from functools import lru_cache
from typing import Any, Final

import msgspec

from collector.events import REFS, Blob, EventRefs, EventRow
from collector.validation.codes import UNKNOWN_REF, Refused
from collector.validation.decoding import UNREADABLE, encode
from collector.validation.redaction import Redaction

REPEATING_TYPE: Final = "text:request:started"
LEAST_BYTES: Final = 1024
MEDIA_TYPE: Final = "application/json"
_REF: Final = re.compile(rb'\{(?:"role":"[^"\\]{0,64}",)?"ref":"sha256:([0-9a-f]{64})"\}')
_MARK: Final = b'"ref":"sha256:'
_LIFTED: Final = b'"$blob"'
_PLAIN_ROLE: Final = re.compile(r'[^"\\\x00-\x1f]{0,64}')
_STORES_KEPT: Final = 1024


class _Request(msgspec.Struct):
    messages: msgspec.Raw = msgspec.Raw(b"null")


class _Message(msgspec.Struct):
    role: Any = None


_request = msgspec.json.Decoder(_Request).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_message = msgspec.json.Decoder(_Message).decode


def store_name(project: str, redaction: Redaction | None) -> str:
    """What references are good for: other rules would have left other contents, and another project has its own."""
    return _store_name(project, "" if redaction is None else redaction.fingerprint)


@lru_cache(_STORES_KEPT)
def _store_name(project: str, rules: str) -> str:
    return hashlib.sha256(f"hookline store\0{project}\0{rules}".encode()).hexdigest()[:16]


def refs_in(raw: bytes) -> list[bytes]:
    """The hashes of all that looks like a reference in an event's bytes."""
    return _REF.findall(raw) if _MARK in raw else []


def require_untouched(sent: list[bytes], payload: str) -> None:
    """Raises Refused where a rule of the operator changed a reference: the event has to come whole."""
    if refs_in(payload.encode()) != sent:
        raise unknown_ref()


def unknown_ref() -> Refused:
    return Refused(UNKNOWN_REF, "`messages` refers to content that is not here: send the event again, whole")


def may_repeat(row: EventRow) -> bool:
    """Whether it is worth looking at the messages: most events are small."""
    return len(row.payload) >= LEAST_BYTES


def put_aside(
    row: EventRow, blobs: dict[str, Blob], *, place: int, index: int, has_refs: bool
) -> tuple[EventRow, EventRefs | None]:
    """
    The row with references for its long messages, whose contents go to `blobs`; and all that it refers to, None for nothing.

    With `has_refs` messages that are references already count as such; else they are what somebody said.
    """
    try:
        array = bytes(_request(row.payload).messages)
        messages = [bytes(message) for message in _items(array)]
    except UNREADABLE:
        return row, None
    sent = [found[1].decode() for message in messages if has_refs and (found := _REF.fullmatch(message))]
    contents: dict[str, Blob] = {}
    # Twice the same array in one event: then nobody could tell later which one to fill in.
    if row.payload.count(text := array.decode()) == 1:
        messages = [_aside(message, contents) for message in messages]
    if not sent and not contents:
        return row, None
    payload = row.payload.replace(text, f"[{b','.join(messages).decode()}]") if contents else row.payload
    blobs.update(contents)
    reduced = encode([*(msgspec.json.decode(row.reduced) if row.reduced else ()), REFS])
    refs = EventRefs(place=place, index=index, sha256s=tuple(dict.fromkeys([*sent, *contents])), needed=frozenset(sent))
    return row._replace(payload=payload, reduced=reduced), refs


def _aside(message: bytes, contents: dict[str, Blob]) -> bytes:
    """What stands in a message's place; the message itself where it is small, or shows media that are kept elsewhere."""
    if len(message) < LEAST_BYTES or not message.startswith(b"{") or _LIFTED in message:
        return message
    sha256 = hashlib.sha256(message).hexdigest()
    contents[sha256] = Blob(sha256=sha256, media_type=MEDIA_TYPE, content=message, is_message=True)
    role = _message(message).role
    named = f'"role":"{role}",' if isinstance(role, str) and _PLAIN_ROLE.fullmatch(role) else ""
    return f'{{{named}"ref":"sha256:{sha256}"}}'.encode()
