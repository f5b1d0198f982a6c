"""
Where openai-agents is held: a table of its functions, and the classes of models as they come along.

Flow: registry -> hooks/agents -> **places** -> patching.
Model calls and guardrails are held at public methods; runs, tools, handoffs and the choice of a model at inner ones. Where
another version lacks one of those, less is recorded and one line of the log says so; the rest goes on.
"""

from importlib import import_module
from typing import Any, NamedTuple, cast

from sdk_hooks.guard import guard
from sdk_hooks.hooks.agents_asked import ASKED, RUN
from sdk_hooks.hooks.agents_models import begin_streamed, begin_whole
from sdk_hooks.hooks.agents_runs import begin_run
from sdk_hooks.hooks.agents_steps import ACTIONS, begin_action, begin_excuse, begin_function_tool, begin_guardrail, begin_handoff
from sdk_hooks.patching import Begin, around_async, around_sync, is_replaced, replace, restore
from sdk_hooks.tested import lacks


class Place(NamedTuple):
    """`owner` is a class of the module, or empty for the module itself."""

    module: str
    owner: str
    name: str
    begin: Begin
    is_async: bool = True


_INNER = "agents.run_internal"
GUARDRAILS = (
    ("agents.guardrail", "InputGuardrail"),
    ("agents.guardrail", "OutputGuardrail"),
    ("agents.tool_guardrails", "ToolInputGuardrail"),
    ("agents.tool_guardrails", "ToolOutputGuardrail"),
)


class _Resolving(NamedTuple):
    """The runner, or a provider, chooses a model: its class gets held."""

    provider: Any = None

    def returned(self, result: Any) -> Any:
        layer = None if self.provider is None else ASKED.layer_of(self.provider)
        if layer is not None:
            ASKED.add(result, layer)
        hold_model(result)
        return result

    def raised(self, error: BaseException) -> None: ...


def _begin_resolving(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Resolving | None:
    return None if RUN.get() is None else _Resolving()


def _begin_providing(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Resolving | None:
    return _Resolving(args[0]) if ASKED.layer_of(args[0]) is not None else None


PLACES = (
    # Behind the class methods of Runner, which look these up at each call: also one that the host took before we came gets
    # here. `run_sync` is `run` in a loop of its own.
    Place("agents.run", "AgentRunner", "run", begin_run),
    Place("agents.run", "AgentRunner", "run_streamed", begin_run, is_async=False),
    *(Place(module, owner, "run", begin_guardrail) for module, owner in GUARDRAILS),
    Place(f"{_INNER}.run_loop", "", "get_model", _begin_resolving, is_async=False),
    Place(f"{_INNER}.turn_resolution", "", "execute_handoffs", begin_handoff),
    Place(f"{_INNER}.tool_execution", "", "_invoke_function_tool_with_metadata", begin_function_tool),
    Place("agents.tool", "", "maybe_invoke_function_tool_failure_error_function", begin_excuse),
    *(Place(f"{_INNER}.tool_actions", owner, "execute", begin_action) for owner in ACTIONS),
)

_held: list[tuple[Any, str]] = []


def hold_everything() -> None:
    """Cover every place, and the models and providers that are known by now. Twice covers once."""
    for place in PLACES:
        try:
            module = import_module(place.module)
            owner = getattr(module, place.owner) if place.owner else module
            _hold(owner, place.name, place.begin, is_async=place.is_async)
        except (ImportError, AttributeError):
            lacks("openai-agents", f"{place.module}.{place.owner}.{place.name}".replace("..", "."))
    interface = import_module("agents.models.interface")
    for kind in _subclasses(interface.Model):
        _hold_model_class(kind)
    for kind in _subclasses(interface.ModelProvider):
        _hold(kind, "get_model", _begin_providing, is_async=False)


def release_everything() -> None:
    # Where another tool has wrapped ours since, ours must stay, silent, and is not put there a second time.
    _held[:] = [(owner, name) for owner, name in _held if not _released(owner, name)]


def _released(owner: Any, name: str) -> bool:
    with guard("agents.release"):
        return restore(owner, name)
    return False


def hold_model(model: Any) -> None:
    """A model of whatever class, maybe one that was made after everything else was held."""
    _hold_model_class(cast("type[Any]", type(model)))


def _hold_model_class(kind: type) -> None:
    _hold(kind, "get_response", begin_whole, is_async=True)
    _hold(kind, "stream_response", begin_streamed, is_async=False)


def _hold(kind: Any, name: str, begin: Begin, *, is_async: bool) -> None:
    """Cover the attribute where it is defined: on a module, or on the class of a class's bases that has it."""
    owner: Any = next((base for base in kind.__mro__ if name in vars(base)), None) if isinstance(kind, type) else kind
    if owner is None or name not in vars(owner):
        raise AttributeError(name)
    if is_replaced(owner, name) or (owner, name) in _held:
        return
    around = around_async if is_async else around_sync
    place = f"agents.{name}"
    is_of_class = isinstance(vars(owner)[name], classmethod)

    def make(original: Any) -> Any:
        return classmethod(around(original.__func__, begin, place)) if is_of_class else around(original, begin, place)

    if replace(owner, name, make):
        _held.append((owner, name))


def _subclasses(kind: type) -> list[type]:
    found: list[type] = []
    for inner in kind.__subclasses__():
        found += [inner, *_subclasses(inner)]
    return found
