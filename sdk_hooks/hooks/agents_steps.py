"""
What happens between model calls: tools, handoffs, guardrails.

Flow: the runner's inner functions -> **step** -> toolrun, step.
A tool is entered: what it calls is its child.
"""

import json
from contextlib import suppress as ignoring
from contextvars import ContextVar, Token
from time import perf_counter_ns
from typing import Any

from sdk_hooks import context
from sdk_hooks.config import Event
from sdk_hooks.context import Enclosing
from sdk_hooks.hooks.agents_answers import shown
from sdk_hooks.hooks.agents_asked import RUN
from sdk_hooks.hooks.stainless.notes import is_interruption
from sdk_hooks.step import record_step
from sdk_hooks.toolrun import ToolRun, start_tool


class Tool:
    """A tool while it runs, in its own task."""

    __slots__ = ("_here", "_run", "_token", "error")

    def __init__(self, run: ToolRun) -> None:
        self._run = run
        self.error: BaseException | None = None
        """What the tool raised and the SDK made a text of, for the model to read."""
        self._here = TOOL.set(self)
        self._token: Token[Enclosing | None] = context.enter(run.as_enclosing())

    def returned(self, result: Any) -> Any:
        self._leave()
        if getattr(result, "type", None) == "tool_approval_item":
            # It has not run: the SDK comes again when somebody has said yes.
            self._run.fail(name="ApprovalRequired", message="it was not run, it waits for an approval")
            return result
        # A function's result comes with a word on whether the text is the SDK's own (a timeout); others are run items.
        output = shown(getattr(result, "output", result))
        if self.error is not None:
            self._run.fail(self.error, result=output)
        elif getattr(result, "is_sdk_generated_error", False):
            self._run.fail(name="ToolError", message=str(output), result=output)
        else:
            self._run.complete(output)
        return result

    def _leave(self) -> None:
        context.leave(self._token)
        with ignoring(ValueError):
            TOOL.reset(self._here)

    def raised(self, error: BaseException) -> None:
        self._leave()
        if is_interruption(error):
            self._run.abort()
        else:
            self._run.fail(error)


TOOL: ContextVar[Tool | None] = ContextVar("hookline_agents_tool", default=None)


def begin_excuse(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """The SDK is about to put a tool's exception into words: taken note of, and nothing to watch."""
    tool = TOOL.get()
    if tool is not None:
        tool.error = kwargs["error"]


def begin_function_tool(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tool | None:
    name = kwargs["function_tool"].name
    return _begin_tool(name, _read(kwargs["arguments"]), getattr(kwargs["context"], "tool_call_id", None))


def begin_action(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tool | None:
    """Shells, patches, computers and custom tools: the class that runs them comes first."""
    called = kwargs.get("call") or kwargs.get("action")
    request: Any = getattr(called, "tool_call", None)
    custom = getattr(called, "custom_tool", None)
    if custom is not None:
        return _begin_tool(custom.name, _of(request, "input"), _of(request, "call_id"))
    kind = str(args[0].__name__)
    asked = next((found for part in ("action", "actions", "operation") if (found := _of(request, part)) is not None), None)
    return _begin_tool(ACTIONS.get(kind, kind), shown(asked), _of(request, "call_id") or _of(request, "id"))


ACTIONS = {
    "ComputerAction": "computer",
    "LocalShellAction": "local_shell",
    "ShellAction": "shell",
    "ApplyPatchAction": "apply_patch",
    "CustomToolAction": "custom",
}
"""Class that runs a kind of tool -> the tool's name to the model."""


def _begin_tool(name: str, given: Any, tool_call_id: str | None) -> Tool | None:
    running = RUN.get()
    if running is None:
        return None
    run = start_tool(name, given, tool_call_id, layer=running.layer)
    return None if run is None else Tool(run)


def _of(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _read(arguments: str) -> Any:
    try:
        return json.loads(arguments) if arguments else {}
    except ValueError:
        return arguments


class Handoff:
    __slots__ = ("_began_ns", "_source")

    def __init__(self, source: str) -> None:
        self._source = source
        self._began_ns = perf_counter_ns()

    def returned(self, result: Any) -> Any:
        target = getattr(result.next_step, "new_agent", None)
        if target is not None:
            _record("agent:handoff", {"fromAgent": self._source, "toAgent": str(target.name)}, self._began_ns)
        return result

    def raised(self, error: BaseException) -> None:
        """No agent took over; the run that this ends has the error."""


def begin_handoff(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Handoff | None:
    return None if RUN.get() is None else Handoff(str(kwargs["public_agent"].name))


class Guardrail:
    __slots__ = ("_began_ns", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._began_ns = perf_counter_ns()

    def returned(self, result: Any) -> Any:
        # Those of agents wrap their verdict, those of tools are it.
        verdict = getattr(result, "output", result)
        behavior: Any = getattr(verdict, "behavior", None)
        triggered = verdict.tripwire_triggered if behavior is None else behavior.get("type") != "allow"
        fields: Event = {"name": self._name, "triggered": bool(triggered)}
        if verdict.output_info is not None:
            fields["output"] = shown(verdict.output_info)
        _record("guardrail:completed", fields, self._began_ns)
        return result

    def raised(self, error: BaseException) -> None:
        """It gave no verdict; the run that this ends has the error."""


def begin_guardrail(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Guardrail | None:
    return None if RUN.get() is None else Guardrail(str(args[0].get_name()))


def _record(event_type: str, fields: Event, began_ns: int) -> None:
    running = RUN.get()
    if running is not None:
        record_step(event_type, fields, began_ns=began_ns, layer=running.layer)
