"""
Model calls: Model.get_response and Model.stream_response, of whatever class the runner's models are.

Flow: runner -> **model** -> recorder, as `text:request:*`. The client underneath is silent meanwhile, so nothing counts twice.
"""

import sys
from collections.abc import AsyncIterator
from contextvars import Token
from typing import Any, TypeVar

from sdk_hooks import context
from sdk_hooks.guard import guard
from sdk_hooks.hooks.agents_answers import ARGUMENTS, MODEL_CALL, plain_model_response, request_of, take_model_response
from sdk_hooks.hooks.agents_asked import layer_for
from sdk_hooks.hooks.openai_response_notes import ResponseNotes
from sdk_hooks.hooks.stainless.loops import IsEnding, report
from sdk_hooks.hooks.stainless.notes import is_interruption
from sdk_hooks.recorder import Call, start_call


class Whole(Call):
    """One `get_response`: the call itself, so that nothing stands beside it."""

    __slots__ = ("silence",)

    silence: Token[bool]

    def returned(self, result: Any) -> Any:
        context.unsuppress(self.silence)
        try:
            self.complete(plain_model_response(result) or take_model_response(result))
        except Exception:
            # An answer that can't be read is still an answer: the call must end.
            self.complete()
            raise
        return result

    def raised(self, error: BaseException) -> None:
        context.unsuppress(self.silence)
        self.fail(error)


class Streamed:
    """One `stream_response`, up to the stream that it gives."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def returned(self, result: Any) -> Any:
        if not hasattr(result, "__aiter__"):
            self._call.complete()
            return result
        return _watched(result, _Reading(self._call))

    def raised(self, error: BaseException) -> None:
        self._call.fail(error)


def begin_whole(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Whole | None:
    call = _start(args, kwargs, False, Whole)
    if call is not None:
        call.silence = context.suppress()
    return call


def begin_streamed(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Streamed | None:
    call = _start(args, kwargs, True, Call)
    return None if call is None else Streamed(call)


C = TypeVar("C", bound=Call)


def _start(args: tuple[Any, ...], kwargs: dict[str, Any], is_stream: bool, kind: type[C]) -> C | None:
    model = args[0]
    layer = layer_for(model)
    if layer is None or context.is_suppressed():
        return None
    request = request_of(kwargs if len(args) == 1 else {**dict(zip(ARGUMENTS, args[1:], strict=False)), **kwargs})
    name: Any = getattr(model, "model", None)
    provider = _provider_of(model, name)
    # By position: names take their time at every call.
    return start_call(MODEL_CALL, request, provider, None if name is None else str(name), is_stream, layer, None, kind)


def _provider_of(model: Any, name: Any) -> str | None:
    """Who answers: told by the client underneath, or by the first part of a name like `anthropic/claude-sonnet-4-5`."""
    client = getattr(model, "_client", None)
    if client is not None and hasattr(client, "base_url"):
        from sdk_hooks.hooks.openai import provider_of

        return provider_of(client)
    vendor, slash, _ = str(name).partition("/")
    return vendor if slash else None


class _Reading:
    """Follows a stream's events. When the stream is dropped unread, this is dropped with it."""

    __slots__ = ("notes",)

    def __init__(self, call: Call) -> None:
        self.notes = ResponseNotes(call)

    def raised(self, error: BaseException) -> None:
        with guard("agents.stream"):
            # Closed by the runner, which reads no further than it must, or by a host that has left.
            if is_interruption(error):
                self.notes.left()
            else:
                self.notes.raised(error)

    def ended(self) -> None:
        with guard("agents.stream"):
            self.notes.ended()

    def __del__(self, is_ending: IsEnding = sys.is_finalizing) -> None:
        if not is_ending():
            with guard("agents.stream"):
                self.notes.left()


async def _watched(stream: AsyncIterator[Any], reading: _Reading) -> AsyncIterator[Any]:
    """The events, unchanged. Silent only while the SDK works: what the reader does between two events is its own."""
    events = aiter(stream)
    following, note, silenced, unsilenced = events.__anext__, reading.notes.item, context.suppressed, context.unsuppressed
    try:
        while True:
            # Written out, as what follows: this runs for every chunk, and a try costs nothing.
            silence = silenced(True)
            try:
                event = await following()
            except StopAsyncIteration:
                break
            finally:
                try:  # noqa: SIM105 (a block costs as much as all of it)
                    unsilenced(silence)
                except ValueError:
                    # Read on in another context.
                    pass
            try:
                note(event)
            except Exception:
                report("agents.stream")
            yield event
    except BaseException as error:
        reading.raised(error)
        raise
    else:
        reading.ended()
    finally:
        # The runner closes what it reads; closing reaches the SDK's own stream only through us.
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()
