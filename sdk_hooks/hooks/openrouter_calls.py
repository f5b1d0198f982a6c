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
# fmt: off
USUAL = frozenset(
    (
        "model", "models", "messages", "input", "instructions", "prompt", "stream", "stream_options", "temperature", "top_p",
        "top_k", "seed", "max_tokens", "max_completion_tokens", "max_output_tokens", "stop", "tools", "tool_choice",
        "parallel_tool_calls", "response_format", "reasoning", "provider", "plugins", "user", "metadata", "session_id", "n",
        "size", "dimensions",
    )
)
# fmt: on
"""Arguments that are the request's body as they are."""
ALONE = frozenset((str, int, float, bool, dict, list))
alone = ALONE.issuperset
usual = USUAL.issuperset


class State:
    """What one hooked client carries."""

    __slots__ = ("is_active", "layer")

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.is_active = True


def beginning(state: State, endpoint: Endpoint) -> Begin:
    """What looks at the arguments of a method."""

    shape = endpoint.shape

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Sending | None:
        if not state.is_active:
            return None
        # Nearly every call has nothing else: seen in C, and `kwargs` is nobody else's.
        request = kwargs if usual(kwargs) and alone(map(type, kwargs.values())) else request_of(kwargs)
        model = kwargs.get("model")
        if type(model) is not str:
            model = str(model) if isinstance(model, str) else None
        is_stream = kwargs.get("stream") is True
        # By position: names take their time at every call.
        call = start_call(shape, request, "openrouter", model, is_stream, state.layer, None, _Sending)
        if call is not None:
            call.endpoint = endpoint
        return call

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


class _Sending(Call):
    """A method that runs: the call itself, so that nothing stands beside it."""

    __slots__ = ("endpoint",)

    endpoint: Endpoint

    def returned(self, result: Any) -> Any:
        kind: Any = type(result)  # pyright: ignore[reportUnknownVariableType]
        endpoint = self.endpoint
        try:
            what = _KINDS.get(kind) or _kind_of(kind, result)
            if what == "whole":
                endpoint.end(self, result)
            elif what == "stream":
                watch(result, endpoint.notes(self))
            else:
                # Speech is the bare HTTP response, which the host has yet to read.
                watch_raw(_Raw(result), self, _AUDIO, endpoint, is_stream=False)
        except Exception:
            # An answer that can't be read is still an answer: the call must end.
            self.complete()
            raise
        return result

    def raised(self, error: BaseException) -> None:
        # What is no Exception is the host that left: `fail` knows.
        self.fail(error)
