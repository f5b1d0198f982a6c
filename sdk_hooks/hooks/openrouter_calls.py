"""
One invocation of a resource's method, from its keyword arguments to whatever it gives back.

Flow: client.chat.send(…) -> **call** -> endpoint, stream or audio response -> recorder.
"""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple, cast

from sdk_hooks.config import Layer
from sdk_hooks.hooks.openrouter_streams import is_stream, watch
from sdk_hooks.hooks.stainless.endpoints import Endpoint, Sdk
from sdk_hooks.hooks.stainless.raw import watch_raw
from sdk_hooks.patching import Begin
from sdk_hooks.recorder import Call, start_call

NOT_SENT = frozenset(("retries", "server_url", "timeout_ms", "http_headers", "http_referer", "accept_header_override"))
"""Arguments that are no part of the request's body; `x_open_router_…` are none either."""

NOT_KEPT = frozenset(("input_audio", "file"))
"""Audio that the host sends: big, and said by nothing but itself."""

LEFT_OUT = NOT_SENT | NOT_KEPT
ALONE = frozenset((str, int, float, bool, dict, list))


class State:
    """What one hooked client carries."""

    __slots__ = ("is_active", "layer")

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.is_active = True


def beginning(state: State, endpoint: Endpoint) -> Begin:
    """What looks at the arguments of a method."""

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Sending | None:
        if not state.is_active:
            return None
        model = kwargs.get("model")
        call = start_call(
            endpoint.shape,
            request_of(kwargs),
            provider="openrouter",
            model=model if isinstance(model, str) else None,
            streaming=kwargs.get("stream") is True,
            layer=state.layer,
        )
        return None if call is None else _Sending(call, endpoint)

    return begin


def request_of(kwargs: dict[str, Any]) -> dict[str, Any]:
    """
    The request that the arguments make. Models in it are read when it is copied; an iterator is the host's and is not touched.
    """
    request: dict[str, Any] = {}
    for name, value in kwargs.items():
        if value is None or name in LEFT_OUT or name.startswith("x_open_router_"):
            continue
        kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
        if kind in ALONE:
            request[name] = value
        elif isinstance(value, Collection) and not isinstance(value, str | bytes | dict):
            # A tuple, a deque, the values of a dict: may be read as often as one likes.
            request[name] = list(cast("Iterable[Any]", value))
        elif kind.__name__ != "Unset":
            request[name] = value
    return request


class _Raw(NamedTuple):
    """What `watch_raw` wants around a response."""

    http_response: Any


_AUDIO = Sdk(name="openrouter", endpoints={}, provider_of=str, last_frames=(), failed_frames={})
"""`watch_raw` asks it for frames of streams, which audio has none of."""


_KINDS: dict[type, str] = {}


def _kind_of(kind: type, result: Any) -> str:
    """What a result is, remembered by class: a model takes microseconds to say that it lacks an attribute."""
    found = "stream" if is_stream(result) else "raw" if hasattr(result, "aiter_bytes") else "whole"
    if len(_KINDS) < 1_000:
        _KINDS[kind] = found
    return found


class _Sending:
    """A method that runs."""

    __slots__ = ("_call", "_endpoint")

    def __init__(self, call: Call, endpoint: Endpoint) -> None:
        self._call = call
        self._endpoint = endpoint

    def returned(self, result: Any) -> Any:
        kind: Any = type(result)  # pyright: ignore[reportUnknownVariableType]
        call, endpoint = self._call, self._endpoint
        try:
            what = _KINDS.get(kind) or _kind_of(kind, result)
            if what == "whole":
                endpoint.end(call, result)
            elif what == "stream":
                watch(result, endpoint.notes(call))
            else:
                # Speech is the bare HTTP response, which the host has yet to read.
                watch_raw(_Raw(result), call, _AUDIO, endpoint, is_stream=False)
        except Exception:
            # An answer that can't be read is still an answer: the call must end.
            call.complete()
            raise
        return result

    def raised(self, error: BaseException) -> None:
        # What is no Exception is the host that left: `fail` knows.
        self._call.fail(error)
