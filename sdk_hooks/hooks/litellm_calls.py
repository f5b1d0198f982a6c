"""
One invocation of a litellm function, from its arguments to whatever it gives back.

Flow: litellm.completion(…) -> **call** -> endpoint or stream -> recorder.
litellm calls clients of other SDKs, and functions of its own: they are silent meanwhile, so nothing counts twice.
"""

import sys
from collections.abc import Callable, Mapping
from contextvars import Token
from typing import Any

from sdk_hooks import context
from sdk_hooks.config import NO_LAYER, Layer
from sdk_hooks.hooks.litellm_endpoints import KEPT, PROVIDERS
from sdk_hooks.hooks.litellm_streams import is_stream, watch
from sdk_hooks.hooks.stainless.endpoints import Endpoint
from sdk_hooks.patching import Begin
from sdk_hooks.recorder import Call, start_call


class State:
    """How litellm is recorded."""

    __slots__ = ("layer",)

    def __init__(self) -> None:
        self.layer: Layer = NO_LAYER


def beginning(state: State, endpoint: Endpoint, function: Callable[..., Any]) -> Begin:
    """What looks at the arguments of a function."""
    names = _argument_names(function)

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Sending | None:
        # Also litellm's own calls of its functions, below the one that was recorded.
        if context.is_suppressed():
            return None
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        provider, model = told_by(given)
        call = start_call(
            endpoint.shape,
            {name: given[name] for name in KEPT if given.get(name) is not None},
            provider=provider,
            model=model,
            streaming=given.get("stream") is True,
            layer=state.layer,
        )
        return None if call is None else _Sending(call, endpoint)

    return begin


def _argument_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """Of the function that is meant: litellm's own are wrapped, some several times."""
    from inspect import Parameter, signature

    by_place = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(name for name, found in signature(function).parameters.items() if found.kind in by_place)


def told_by(given: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """
    Who answers, by gen_ai.provider.name, and the model without that.

    `anthropic/claude-sonnet-4-5` says it; a bare name is looked up where litellm does, and may be known to nobody.
    """
    model: Any = given.get("model")
    if not isinstance(model, str):
        return None, None
    litellm: Any = sys.modules["litellm"]
    named: Any = given.get("custom_llm_provider")
    vendor, slash, rest = model.partition("/")
    if slash and vendor in litellm.provider_list:
        model, named = rest, named or vendor
    if not isinstance(named, str):
        named = litellm.model_cost.get(model, {}).get("litellm_provider")
    return (PROVIDERS.get(named, named) if isinstance(named, str) else None), model


class _Sending:
    """A function that runs. Silence from here to its end, in this context and those that litellm makes of it."""

    __slots__ = ("_call", "_endpoint", "_silence")

    def __init__(self, call: Call, endpoint: Endpoint) -> None:
        self._call = call
        self._endpoint = endpoint
        self._silence: Token[bool] = context.suppress()

    def returned(self, result: Any) -> Any:
        context.unsuppress(self._silence)
        try:
            if is_stream(result):
                watch(result, self._endpoint.notes(self._call))
            else:
                self._endpoint.end(self._call, result)
        except Exception:
            # An answer that can't be read is still an answer: the call must end.
            self._call.complete()
            raise
        return result

    def raised(self, error: BaseException) -> None:
        context.unsuppress(self._silence)
        # What is no Exception is the host that left: `fail` knows.
        self._call.fail(error)
