"""
Watch a stream of litellm without changing what it is to the host.

Flow: CustomStreamWrapper and its like -> **the same object, watched** -> host.
litellm's streams are their own iterators, some for sync and async loops alike. The object's class becomes a subclass of its own
class (made once a class, same name), which sees every item, a loop being left, a close, and the object being dropped.
"""

from typing import Any, cast

from sdk_hooks import context
from sdk_hooks.guard import guard
from sdk_hooks.hooks.stainless.classes import Around, Methods, closing, followed, looping_by, looping_by_async, watch_as
from sdk_hooks.hooks.stainless.loops import NOTES
from sdk_hooks.hooks.stainless.notes import Notes


def is_stream(result: Any) -> bool:
    kind = cast("type[Any]", type(result))
    # A model or a dict can be looped over too; only these give one item after the other.
    return hasattr(kind, "__next__") or hasattr(kind, "__anext__")


def watch(stream: Any, notes: Notes) -> None:
    """From now on `notes` hears of every item and of the stream's end."""
    watch_as(stream, notes, _methods)


def _methods(kind: Any) -> Methods:
    return followed(kind, _METHODS(kind))


def _following(inherited: Any) -> Any:
    def __next__(self: Any) -> Any:
        silence = context.suppress()
        try:
            item = inherited(self)
        except StopIteration:
            _ended(self)
            raise
        except BaseException as error:
            _raised(self, error)
            raise
        finally:
            context.unsuppress(silence)
        _note(self, item)
        return item

    return __next__


def _following_async(inherited: Any) -> Any:
    async def __anext__(self: Any) -> Any:
        silence = context.suppress()
        try:
            item = await inherited(self)
        except StopAsyncIteration:
            _ended(self)
            raise
        except BaseException as error:
            _raised(self, error)
            raise
        finally:
            context.unsuppress(silence)
        _note(self, item)
        return item

    return __anext__


_METHODS = Around(
    __next__=_following,
    __anext__=_following_async,
    # By the object's own step, which is watched.
    __iter__=lambda inherited: looping_by(next),
    __aiter__=lambda inherited: looping_by_async(anext),
    close=closing,
    aclose=closing,
)


def _note(stream: Any, item: Any) -> None:
    with guard("litellm.chunk"):
        getattr(stream, NOTES).item(item)


def _ended(stream: Any) -> None:
    with guard("litellm.stream"):
        getattr(stream, NOTES).ended()


def _raised(stream: Any, error: BaseException) -> None:
    with guard("litellm.stream"):
        getattr(stream, NOTES).raised(error)
