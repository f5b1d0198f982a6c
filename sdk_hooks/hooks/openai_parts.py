"""
Where providers that speak openai's language put their thoughts, and contents that come in parts.

Flow: message or delta of an SDK object -> **its text, its thoughts** (caller's thread) -> answers, notes.
"""

from typing import Any, cast

from sdk_hooks.hooks.stainless.answers import Event, fields_of

THOUGHTS = ("reasoning_content", "reasoning")
"""Not openai's own: DeepSeek and vLLM call it the one, OpenRouter the other."""
no_thoughts = frozenset(THOUGHTS).isdisjoint


def thought_in(extra: Event | None) -> str:
    """What a message or a delta of a provider other than openai thinks."""
    found = [thought for name in THOUGHTS if extra and isinstance(thought := extra.get(name), str)]
    return next(filter(None, found), "")


def has_no_thoughts(extra: Event) -> bool:
    """Of a message or a delta. DeepSeek's say with each piece of text that there are none."""
    return no_thoughts(extra) or not thought_in(extra)


def parts_of(content: Any) -> tuple[str, str]:
    """Text and thoughts of a content that comes in parts, as Mistral's does; whatever else it is says nothing."""
    texts: list[str] = []
    thoughts: list[str] = []
    for part in cast("list[Any]", content) if isinstance(content, list) else ():
        told = {"text": part} if isinstance(part, str) else fields_of(part)
        thought = told.get("thinking")
        if thought:
            thoughts.append(thought if isinstance(thought, str) else parts_of(thought)[0])
        elif isinstance(told.get("text"), str):
            texts.append(told["text"])
    return "".join(texts), "".join(thoughts)
