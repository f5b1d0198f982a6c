"""Calls to record in tests: a shape whose readers do next to nothing."""

from typing import Any

from sdk_hooks.recorder import Call, Shape, as_it_is, start_call

CHAT = Shape("text", lambda request: {"messages": request["messages"], "messageCount": len(request["messages"])}, as_it_is)
IMAGE = Shape("image", lambda request: {"prompt": request.get("prompt", "")}, as_it_is)
MESSAGES = [{"role": "user", "content": "Hi"}]


def chat(**options: Any) -> Call:
    """A chat that has begun."""
    call = maybe_chat(**options)
    assert call is not None
    return call


def maybe_chat(**options: Any) -> Call | None:
    messages = options.pop("messages", MESSAGES)
    return start_call(CHAT, {"model": "gpt-5", "messages": messages}, provider="openai", model="gpt-5", **options)
