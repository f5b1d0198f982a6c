"""
Every error that hookline's server raises, as a tree.

HooklineError
 +-- WrongSettings        a setting is missing or can't be used; the command ends with 2
 +-- SchemaError          the database's schema and this code don't fit
 |    +-- SchemaOutdated    the database is older: `hookline db upgrade`
 |    +-- SchemaTooNew      the database is newer than this code
 +-- StoreError           the database said no
 |    +-- StoreUnavailable  try again later: away, locked, disk full, shutting down
 |    +-- StoreBusy         try again later: the queue is full
 |    +-- StoreLocked       another process owns this SQLite file
 |    +-- UnknownRefs       a batch refers to messages that are not there
 +-- RequestError         the sender's fault; carries what `api.problems` needs
 |    +-- BadRequest        400 malformed
 |    |    +-- SqlRefused     a user's statement; the database's own words, and where
 |    |    +-- SqlTimeout     a user's statement that took too long
 |    +-- NotAuthenticated  401
 |    +-- NotAllowed        403
 |    +-- NotFound          404
 |    +-- TooSlow           408
 |    +-- TooLarge          413
 |    +-- UnsupportedMedia  415
 |    +-- NothingAccepted   422
 |    +-- RateLimited       429
 +-- ServerUnreachable    a command could not reach the collector; the command ends with 3

A message says what happened, to what, and what to do next. Never a payload, never a key.
Which errors are worth a retry is told by the type: StoreUnavailable and StoreBusy are, the others are not.
"""


class HooklineError(Exception):
    """Root of the tree."""


class WrongSettings(HooklineError):
    """A setting can't be used; the message names the environment variable."""


class SchemaError(HooklineError):
    """The database's schema and this code do not fit together."""


class SchemaOutdated(SchemaError):
    """The database is older than the code."""


class SchemaTooNew(SchemaError):
    """The database was written by a newer hookline."""


class StoreError(HooklineError):
    """The database refused."""


class StoreUnavailable(StoreError):
    """The database is away, full or shutting down; the same request may work later."""


class StoreBusy(StoreError):
    """Too much is waiting to be written; the same request may work in a moment."""


class StoreLocked(StoreError):
    """Another process owns this SQLite file; the message names it."""


class UnknownRefs(StoreError):
    """A batch refers to messages that are not here, or not any more; nothing of it was stored."""

    def __init__(self, sha256s: frozenset[str]) -> None:
        super().__init__("messages that events refer to are not in the database: send them again")
        self.sha256s = sha256s


class RequestError(HooklineError):
    """The sender's request can't be served as it is. `api.problems` maps the subclass to a status."""


class BadRequest(RequestError):
    """The request is malformed."""


class SqlRefused(BadRequest):
    """A user's statement can't be run; `position` is where in it, from 1, if the database told."""

    def __init__(self, message: str, *, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class SqlTimeout(BadRequest):
    """A user's statement took longer than it may."""


class NotAuthenticated(RequestError):
    """No key, or one that is not known."""


class NotAllowed(RequestError):
    """The key lacks the scope, or the Host or Origin is not allowed."""


class NotFound(RequestError):
    """There is no such thing in this project."""


class TooSlow(RequestError):
    """The request did not arrive in time; the same one may be sent again."""


class TooLarge(RequestError):
    """A body over a limit."""


class UnsupportedMedia(RequestError):
    """A media type or content encoding that the server doesn't read."""


class NothingAccepted(RequestError):
    """Every event of a request was rejected."""


class RateLimited(RequestError):
    """Too many requests; the same one may work after `after_s`."""

    def __init__(self, message: str, *, after_s: float = 1.0) -> None:
        super().__init__(message)
        self.after_s = after_s


class ServerUnreachable(HooklineError):
    """No collector answers at the address."""
