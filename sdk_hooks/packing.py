"""
Turn the flat list of a stream's pieces into packed chunk events, one a flush and not one a token.

Flow: hook appends (caller's thread) -> **packing** (emitter's thread) -> events.
A pack holds pieces of one kind, messageId, choice and toolCallId; offsets count from the event's timestamp, which is its
first piece's. Along the way the whole text and the tool calls are kept for the terminal event.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from sdk_hooks.encoding import quote
from sdk_hooks.heads import Headed

Event = dict[str, Any]

Piece = tuple[Any, ...]
"""
What a hook appends when it is not just text of choice 0:
("content" | "thinking", text, choice, message_id or None)
("tool-call", arguments, choice, message_id or None, tool_call_id or None, tool_name or None, index)
Only the first piece of a tool call needs id and name; later ones are found by (choice, index). A new id at a known index
begins a new tool call.
"""

Delta = str | Piece

Unread = tuple[Callable[[Any], Iterator[Delta]], Any]
"""
What may stand in a delta's place: a text that is parsed here and not in the caller's thread, behind what gives its pieces.

Pieces of a stream are read in order, and all of them before its terminal event is made. A plain tuple: an object costs more than
all else that is done for a piece.
"""


class _ToolCall:
    __slots__ = ("arguments", "index", "name", "tool_call_id")

    def __init__(self, tool_call_id: str, name: str, index: int) -> None:
        self.tool_call_id = tool_call_id
        self.name = name
        self.index = index
        self.arguments: list[str] = []


class Packer:
    """The pieces of one stream, across flushes."""

    __slots__ = ("_open_tools", "_request_id", "_text", "_tools", "first_ns", "message_id")

    def __init__(self, request_id: str, first_ns: int = 0) -> None:
        self._request_id = request_id
        self.first_ns = first_ns
        self._text: dict[int, list[str]] = {}
        self._tools: list[_ToolCall] = []
        self._open_tools: dict[tuple[int, int], _ToolCall] = {}
        self.message_id: str | None = None

    def pack(self, taken: list[Any], start_ns: int, start_ms: float) -> Sequence[Event | Headed]:
        """Events for (time, delta, time, delta, …), in the order of their first pieces."""
        packs: dict[tuple[Any, ...], tuple[Event, int]] = {}
        if _is_all_text(taken):
            return [self._text_event(taken, start_ns, start_ms)]
        for at_ns, delta in _read_all(taken):
            kind, text, choice, message_id, tool = self._read(delta)
            key = (kind, choice, message_id, id(tool) if tool else 0)
            found = packs.get(key)
            if found is None:
                event = self._event(kind, choice, message_id, tool)
                event["timestamp"] = start_ms + (at_ns - start_ns) / 1e6
                packs[key] = found = (event, at_ns)
            event, first_ns = found
            event["chunks"].append({"offsetMs": _offset_ms(at_ns - first_ns), "delta": text})
        return [event for event, _ in packs.values()]

    def _text_event(self, taken: list[Any], start_ns: int, start_ms: float) -> Headed:
        """What nearly every pack is: text of choice 0 and nothing else. As text: a dict for each piece takes twice as long."""
        first_ns, deltas = taken[0], taken[1::2]
        self._text.setdefault(0, []).extend(deltas)
        quoted = quote()
        request_id = quoted(self._request_id)
        message_id = f'"messageId":{quoted(self.message_id)},' if self.message_id else ""
        chunks = [
            f'{{"offsetMs":{(at_ns - first_ns) / 1e6:.3f},"delta":{delta}}}'
            for at_ns, delta in zip(taken[::2], map(quoted, deltas), strict=False)
        ]
        return Headed(
            f'{{"type":"text:chunk:content","timestamp":{start_ms + (first_ns - start_ns) / 1e6},"requestId":{request_id},'
            f'"streamId":{request_id},{message_id}"content":"","chunks":[{",".join(chunks)}]',
            {},
        )

    def _read(self, delta: Delta) -> tuple[str, str, int, str | None, _ToolCall | None]:
        if isinstance(delta, str):
            self._text.setdefault(0, []).append(delta)
            return "content", delta, 0, self.message_id, None
        kind, text, choice, message_id = delta[:4]
        if not isinstance(text, str):
            # What a provider put where a text should be says nothing, and must not cost the call.
            text = ""
        tool = None
        if kind == "tool-call":
            tool = self._tool(choice, *cast("tuple[str | None, str | None, int]", delta[4:7]))
            tool.arguments.append(text)
        elif kind == "content":
            self._text.setdefault(choice, []).append(text)
        return kind, text, choice, message_id or self.message_id, tool

    def _tool(self, choice: int, tool_call_id: str | None, name: str | None, index: int) -> _ToolCall:
        tool = self._open_tools.get((choice, index))
        if tool is None or (tool_call_id and tool_call_id != tool.tool_call_id):
            # Some providers repeat an index for the next tool call: the id decides.
            made_up = f"{self._request_id}/tool-{len(self._tools)}"
            tool = _ToolCall(tool_call_id or made_up, name or "", index)
            self._open_tools[choice, index] = tool
            self._tools.append(tool)
        elif name and not tool.name:
            tool.name = name
        return tool

    def _event(self, kind: str, choice: int, message_id: str | None, tool: _ToolCall | None) -> Event:
        event: Event = {"type": f"text:chunk:{kind}", "requestId": self._request_id, "streamId": self._request_id}
        if message_id:
            event["messageId"] = message_id
        if choice:
            event["choice"] = choice
        if tool is None:
            event["content"] = ""
        else:
            event |= {"toolCallId": tool.tool_call_id, "toolName": tool.name, "index": tool.index, "arguments": ""}
        event["chunks"] = []
        return event

    def seen(self) -> Event:
        """What the stream said so far, as fields of a terminal event."""
        fields: Event = {"content": "".join(self._text.get(0, ()))}
        if self._tools:
            fields["toolCalls"] = [
                {"id": t.tool_call_id, "type": "function", "function": {"name": t.name, "arguments": "".join(t.arguments)}}
                for t in self._tools
            ]
        return fields


def _offset_ms(offset_ns: int) -> float:
    """To the microsecond. `round` takes ten times as long."""
    return (offset_ns + 500) // 1000 / 1000


def _is_all_text(taken: list[Any]) -> bool:
    return set(map(type, taken[1::2])) == {str}


def _read_all(taken: list[Any]) -> Iterator[tuple[int, Delta]]:
    """Times and deltas; those that are still to be read become their pieces."""
    for at_ns, delta in zip(taken[::2], taken[1::2], strict=False):
        if isinstance(delta, str) or isinstance(delta[0], str):
            yield at_ns, cast("Delta", delta)
        else:
            read, unread = cast("Unread", delta)
            for piece in read(unread):
                yield at_ns, piece
