"""
Which SDKs we know, and how one of their clients gets its hook.

Flow: `instrument(client)` -> **registry** -> hooks/<sdk>; `instrument()` -> **registry** -> arriving, hooks/<sdk>.
One row an SDK. A hook's module is imported when a client of its SDK comes along, never before.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, NamedTuple, Protocol, TypeVar, Unpack, cast

from sdk_hooks.arriving import ARRIVALS
from sdk_hooks.config import CallOptions, Layer
from sdk_hooks.guard import guard, log
from sdk_hooks.tested import Tested, lacks, tell

C = TypeVar("C")


class Hook(Protocol):
    """
    What a module in `hooks/` offers. All of it may be called twice: wrapping twice wraps once, and takes the newer layer.
    """

    def instrument(self, client: Any, layer: Layer) -> bool:
        """Hook this client (or the SDK's module) in place. False: it is none of this SDK's."""
        ...

    def uninstrument(self, client: Any) -> bool:
        """Leave the client as it was."""
        ...

    def instrument_all(self, layer: Layer) -> None:
        """Hook every client that is made from now on."""
        ...

    def uninstrument_all(self) -> None:
        """Undo `instrument_all`, and every client that it hooked."""
        ...


class Row(NamedTuple):
    """
    An SDK: the name of its import package (a dotted one where the first part is shared), and our module for it.

    `proof` is a file of the package that others of the same name lack, where the name is a common word.
    """

    sdk: str
    module: str
    tested: Tested
    proof: str = ""


HOOKS: Mapping[str, Row] = {
    "openai": Row("openai", "sdk_hooks.hooks.openai", Tested("3.0", "4")),
    "anthropic": Row("anthropic", "sdk_hooks.hooks.anthropic", Tested("2.0", "3")),
    "openai-agents": Row("agents", "sdk_hooks.hooks.agents", Tested("0.22", "0.25"), proof="models/openai_responses.py"),
    "openrouter": Row("openrouter", "sdk_hooks.hooks.openrouter", Tested("1.3", "2")),
    "litellm": Row("litellm", "sdk_hooks.hooks.litellm", Tested("1.106", "2")),
    "google-genai": Row("google.genai", "sdk_hooks.hooks.google_genai", Tested("3.0", "4")),
}
"""By the name that users install."""


def load(row: Row) -> Hook:
    return cast("Hook", import_module(row.module))


def row_of(client: Any) -> Row | None:
    """The SDK that the client, a subclass of it, or the SDK's module belongs to. Told by names: nothing is imported."""
    names = [client.__name__] if isinstance(client, type(sys)) else [kind.__module__ for kind in type(client).__mro__]
    return next((row for row in HOOKS.values() if any(f"{name}.".startswith(f"{row.sdk}.") for name in names)), None)


def instrument(client: C = None, **settings: Unpack[CallOptions]) -> C:
    """
    Record the calls of this client, which comes back as the same object. Without one: of every supported SDK, from now on; an SDK
    that is not imported yet is hooked when it is.

    Settings given here win over `configure` and lose to `session`.
    """
    with guard("instrument"):
        layer = Layer(settings)
        if client is None:
            for row in HOOKS.values():
                with guard(f"instrument.{row.sdk}"):
                    _instrument_all(row, layer)
            return client
        row = row_of(client)
        if (row is None or not _hooked(row, lambda hook: hook.instrument(client, layer))) and not _is_told(row):
            log(
                "warning",
                "hookline: %s is no client that can be instrumented; known: %s",
                type(client).__name__,
                ", ".join(HOOKS),
            )
    return client


def _hooked(row: Row, hook_it: Callable[[Hook], Any]) -> Any:
    """What the hook gives back. Where the SDK has not got what it takes hold of, the host goes on, and one line says so."""
    name = _name_of(row)
    done: Any = None
    try:
        done = hook_it(load(row))
    except (ImportError, AttributeError) as error:
        lacks(name, str(error.name))
    tell(name, row.sdk, row.tested)
    return done


def _is_told(row: Row | None) -> bool:
    return row is not None and tell(_name_of(row), row.sdk, row.tested)


def _name_of(row: Row) -> str:
    return next(name for name, one in HOOKS.items() if one is row)


def uninstrument(client: C = None) -> C:
    """Undo `instrument`: for this client, or for everything."""
    with guard("uninstrument"):
        if client is not None:
            row = row_of(client)
            if row is not None:
                load(row).uninstrument(client)
            return client
        ARRIVALS.forget()
        for row in HOOKS.values():
            # What was never loaded has hooked nothing.
            if row.module in sys.modules:
                with guard(f"uninstrument.{row.sdk}"):
                    load(row).uninstrument_all()
    return client


def _instrument_all(row: Row, layer: Layer) -> None:
    """At once where the host has imported the SDK; else when it does, if ever."""
    if row.sdk not in sys.modules:
        ARRIVALS.wait(row.sdk, lambda: _instrument_all(row, layer))
    elif _is_the_sdk(row):
        _hooked(row, lambda hook: hook.instrument_all(layer))


def _is_the_sdk(row: Row) -> bool:
    """A host may have a package of its own by that name."""
    from os.path import exists

    folders: Iterable[str] = getattr(sys.modules[row.sdk], "__path__", ())
    return not row.proof or any(exists(f"{folder}/{row.proof}") for folder in folders)
