"""
One invocation of a client's `request`, from its arguments to whatever it gives back.

Flow: client.request -> **call** -> endpoint, stream or raw response -> recorder.
"""

from itertools import compress, repeat
from operator import is_not
from typing import Any

from sdk_hooks.config import Layer
from sdk_hooks.hooks.stainless.endpoints import Endpoint, Sdk
from sdk_hooks.hooks.stainless.notes import is_interruption
from sdk_hooks.hooks.stainless.raw import watch_raw
from sdk_hooks.hooks.stainless.streams import watch
from sdk_hooks.patching import Begin
from sdk_hooks.recorder import Call, start_call

FILES = "$files"
"""Where the form names of attached files are put in a request; not a name that a provider could use."""

PATH = "$path"
"""The same for a path that says something itself."""


class State:
    """What one hooked client carries."""

    __slots__ = ("is_active", "layer", "omitted", "provider", "sdk")

    def __init__(self, sdk: Sdk, layer: Layer, provider: str) -> None:
        self.sdk = sdk
        self.layer = layer
        self.provider = provider
        self.omitted = sdk.omitted()
        self.is_active = True

    def __eq__(self, other: object) -> bool:
        """A copy of a client has what its original has, for whoever compares their attributes."""
        if not isinstance(other, State):
            return False
        return self.sdk is other.sdk and self.layer is other.layer and self.provider == other.provider


class _Request(Call):
    """One invocation of `request`, from its arguments to its result: the call itself, so that nothing stands beside it."""

    __slots__ = ("endpoint", "sdk")

    sdk: Sdk
    endpoint: Endpoint

    def returned(self, result: Any) -> Any:
        kind: Any = type(result)  # pyright: ignore[reportUnknownVariableType]
        endpoint = self.endpoint
        try:
            what = _KINDS.get(kind) or _kind_of(kind)
            if what == "whole":
                endpoint.end(self, result)
            elif what == "stream":
                watch(result, endpoint.notes(self))
            else:
                watch_raw(result, self, self.sdk, endpoint, is_stream=self.streaming)
        except Exception:
            # An answer that can't be read is still an answer: the call must end.
            self.complete()
            raise
        return result

    def raised(self, error: BaseException) -> None:
        if is_interruption(error):
            self.abort()
        else:
            self.fail(error)


_KINDS: dict[type, str] = {}


def _kind_of(kind: type) -> str:
    """Raw responses and streams, told by what they have; remembered by class."""
    if hasattr(kind, "http_request") and hasattr(kind, "parse"):
        found = "raw"
    elif hasattr(kind, "_iter_events"):
        found = "stream"
    else:
        found = "whole"
    if len(_KINDS) < 1_000:
        _KINDS[kind] = found
    return found


def beginning(state: State) -> Begin:
    """What looks at the arguments of `request`."""

    sdk = state.sdk
    endpoints, find, omitted = sdk.endpoints, sdk.find, state.omitted

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Request | None:
        try:
            options = args[1]
        except IndexError:
            options = kwargs["options"]
        # Its dict is asked, for pydantic takes 50 ns longer for each attribute.
        asked: dict[str, Any] = options.__dict__
        url: str = asked["url"]
        method: str = asked["method"]
        endpoint = endpoints.get(url)
        if endpoint is None or method != "post":
            # `client.post` takes a path without its slash as well.
            is_bare = method == "post" and not url.startswith("/")
            endpoint = endpoints.get(f"/{url}") if is_bare else find(method, url)
            if endpoint is None:
                return None
        if not state.is_active:
            return None
        request: Any = asked.get("json_data")
        kind: Any = type(request)  # pyright: ignore[reportUnknownVariableType]
        if asked.get("extra_json") or asked.get("files") or kind is not dict:
            request = _with_extras(options)
        if omitted is not None:
            # No comprehension: of a dozen arguments nearly all were not given, at every call.
            request = dict(compress(request.items(), map(is_not, request.values(), repeat(omitted))))
        if endpoint.reads_path:
            request = {**request, PATH: url}
        is_stream: bool = kwargs.get("stream", False)
        model: str | None = request.get("model")
        # By position: names take their time at every call.
        call = start_call(endpoint.shape, request, state.provider, model, is_stream, state.layer, None, _Request)
        if call is not None:
            call.endpoint, call.sdk = endpoint, sdk
        return call

    return begin


def _with_extras(options: Any) -> dict[str, Any]:
    """`extra_body` is merged into the body when it is sent; of attached files only the form names are wanted."""
    body: Any = options.json_data
    request: dict[str, Any] = {**(body if hasattr(body, "keys") else {}), **(options.extra_json or {})}
    if options.files:
        request[FILES] = [str(name) for name, _ in getattr(options.files, "items", lambda: options.files)()]
    return request
