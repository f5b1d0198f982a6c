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
        if value is None or name in NOT_SENT or name in NOT_KEPT or name.startswith("x_open_router_"):
            continue
        kind = cast("type[Any]", type(value))
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


class _Sending:
    """A method that runs."""

    __slots__ = ("_call", "_endpoint")

    def __init__(self, call: Call, endpoint: Endpoint) -> None:
        self._call = call
        self._endpoint = endpoint

    def returned(self, result: Any) -> Any:
        try:
            self._follow(result)
        except Exception:
            # An answer that can't be read is still an answer: the call must end.
            self._call.complete()
            raise
        return result

    def _follow(self, result: Any) -> None:
        if is_stream(result):
            watch(result, self._endpoint.notes(self._call))
        elif hasattr(result, "aiter_bytes"):
            # Speech is the bare HTTP response, which the host has yet to read.
            watch_raw(_Raw(result), self._call, _AUDIO, self._endpoint, is_stream=False)
        else:
            self._endpoint.end(self._call, result)

    def raised(self, error: BaseException) -> None:
        # What is no Exception is the host that left: `fail` knows.
        self._call.fail(error)
