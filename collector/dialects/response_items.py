"""
Output items of a Responses stream that are tools: what each kind is called, was given and gave back.

Flow: openai_responses -> **response_items** -> canonical tool events.
Hosted tools are run by the provider, inside the response; all others are only asked for, the client runs them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from collector.dialects.spelling import Spelling
from collector.dialects.translation import Said, known, tool_call
from collector.fields import mapping, name

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolKind:
    """Where an item of this kind has its tool's name, input and outcome."""

    tool_name: str | None
    """None: the item has a `name`."""
    inputs: tuple[str, ...]
    results: tuple[str, ...] = ()


HOSTED: Final[Mapping[str, ToolKind]] = {
    "web_search_call": ToolKind(tool_name="web_search", inputs=("action",)),
    "file_search_call": ToolKind(tool_name="file_search", inputs=("queries",), results=("results",)),
    "code_interpreter_call": ToolKind(tool_name="code_interpreter", inputs=("code",), results=("outputs",)),
    "mcp_call": ToolKind(tool_name=None, inputs=("arguments",), results=("output",)),
}
REQUESTED: Final[Mapping[str, ToolKind]] = {
    "function_call": ToolKind(tool_name=None, inputs=("arguments",)),
    "custom_tool_call": ToolKind(tool_name=None, inputs=("input",)),
    "computer_call": ToolKind(tool_name="computer", inputs=("action", "actions")),
    "local_shell_call": ToolKind(tool_name="local_shell", inputs=("action",)),
    "shell_call": ToolKind(tool_name="shell", inputs=("action",)),
    "apply_patch_call": ToolKind(tool_name="apply_patch", inputs=("operation",)),
    "tool_search_call": ToolKind(tool_name="tool_search", inputs=("arguments",)),
}
_KINDS: Final = {**HOSTED, **REQUESTED}
APPROVAL: Final = "mcp_approval_request"


def kind_of(item: Item) -> str:
    """The item's type."""
    return name(item.get("type")) or ""


def tool_id(item: Item, spelling: Spelling) -> str | None:
    """How later events and the client's answer name the tool call."""
    return name(spelling.get(item, "call_id")) or name(item.get("id"))


def tool_name(item: Item) -> str | None:
    """The tool; of one that the item doesn't name, its kind's."""
    kind = _KINDS.get(kind_of(item))
    return None if kind is None else kind.tool_name or name(item.get("name"))


def asked(item: Item, spelling: Spelling) -> dict[str, Any] | None:
    """The entry of `toolCalls` of a tool that the client is to run; None for other items."""
    kind = REQUESTED.get(kind_of(item))
    if kind is None:
        return None
    flavour = "custom" if kind_of(item) == "custom_tool_call" else "function"
    return tool_call(tool_id(item, spelling), tool_name(item), _first(item, kind.inputs, spelling), flavour)


def hosted_begun(item_id: str | None, kind: str) -> Said:
    """The provider begins to run one of its tools."""
    return "tools:call:started", {"toolCallId": item_id, "toolName": HOSTED[kind].tool_name}


def hosted_ended(item: Item, spelling: Spelling) -> Said:
    """The provider has run one of its tools."""
    kind = HOSTED[kind_of(item)]
    return "tools:call:completed", {
        "toolCallId": tool_id(item, spelling),
        "toolName": tool_name(item),
        "arguments": _first(item, kind.inputs, spelling),
        "result": _first(item, kind.results, spelling),
        "error": _error(item),
    }


def hosted_told(item_id: str | None, kind: str, *, failed: bool) -> Said:
    """The provider says that a tool is done, and nothing more about it."""
    fields = {"toolCallId": item_id, "toolName": HOSTED[kind].tool_name, "error": {"name": "failed"} if failed else None}
    return "tools:call:completed", fields


def waits(item: Item) -> Said:
    """A tool of an MCP server that a person has to allow."""
    fields = {"toolCallId": item.get("id"), "toolName": item.get("name"), "input": item.get("arguments")}
    return "tools:approval:requested", fields


def _first(item: Item, names: tuple[str, ...], spelling: Spelling) -> Any:
    return next((found for name_ in names if (found := spelling.get(item, name_)) is not None), None)


def _error(item: Item) -> dict[str, Any] | None:
    error: Any = item.get("error")
    if error:
        told = mapping(error)
        code = name(told.get("code")) or name(told.get("type"))
        return known({"name": code, "message": told.get("message")}) if told else {"message": error}
    return {"name": "failed", "message": "the provider's status is failed"} if item.get("status") == "failed" else None
