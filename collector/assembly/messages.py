"""
What was asked and what was answered.

Flow: facts, ending -> **text, messages** -> previews, content attributes.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from collector.assembly.content import as_content
from collector.assembly.ending import Ended, Ending
from collector.assembly.facts import Facts
from collector.assembly.parts import Part, media_part, message_of, reasoning_part, text_part, tool_call_part, tool_definition
from collector.assembly.text import TextRun, join_first_choice
from collector.events import StoredEvent
from collector.fields import as_json, items, mapping, name, text, whole
from collector.spans import ToolCall

PREVIEW_CHARS = 500

_ASKED_IN = ("prompt", "text", "input", "query", "question")
"""Where the started events of media and embedding requests have what was asked."""


def find_answer(facts: Facts, ending: Ending) -> str | None:
    """The streamed text; only where no piece came, the content of the terminal event; without that, what stood written whole."""
    if facts.texts:
        return join_first_choice(facts.texts.items())
    payload = mapping(ending.event.payload if isinstance(ending, Ended) and ending.event is not None else None)
    told = name(payload.get("content")) or name(payload.get("text")) or as_json(payload.get("output"))
    return told or next((answer for event in reversed(facts.messages) if (answer := _answer_in(event.payload))), None)


def _answer_in(message: Mapping[str, Any]) -> str | None:
    """What the model said in a message; one with an index is a part of the history that was sent."""
    is_answer = message.get("role") == "assistant" and "messageIndex" not in message
    return plain_text(message.get("content")) if is_answer else None


def find_question(facts: Facts) -> str | None:
    """The last thing that the user said: the newest user message, else what a media request asked for."""
    for message in reversed(items(facts.asked.get("messages"))):
        if mapping(message).get("role") == "user":
            return plain_text(mapping(message).get("content"))
    said = [message for message in _ordered(facts.messages) if message.get("role") == "user"]
    if said:
        return plain_text(said[-1].get("content"))
    return next((found for key in _ASKED_IN if (found := _asked(facts.asked.get(key)))), None)


def _asked(value: object) -> str | None:
    """Text where there is some; an agent's input may be anything."""
    return plain_text(value) or (as_json(value) if value else None)


def preview(whole_text: str | None) -> str | None:
    """The beginning of a text, for lists and search."""
    return whole_text[:PREVIEW_CHARS] if whole_text else None


def plain_text(content: object) -> str | None:
    """The text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content or None
    found = [piece for part in items(content) if (piece := part if isinstance(part, str) else text(mapping(part).get("text")))]
    return "\n".join(found) or None


def input_messages(facts: Facts) -> str | None:
    """The conversation as sent, in the form of gen_ai.input.messages (JSON text)."""
    sent = [mapping(message) for message in items(facts.asked.get("messages"))] or _ordered(facts.messages)
    told = [message_of(message) for message in sent if message]
    if not told and (asked := find_question(facts)):
        # A prompt for a picture, a text to speak, what an agent was given.
        told = [{"role": "user", "parts": [text_part(asked)]}]
    return as_content(told)


def output_messages(facts: Facts, ending: Ending, tools: Sequence[ToolCall], finish_reasons: Sequence[str]) -> str | None:
    """The answer, one message a choice, in the form of gen_ai.output.messages (JSON text)."""
    told: list[Part] = []
    thoughts = _thoughts(facts, ending)
    for n, answer in enumerate(_answers(facts, ending)):
        parts = [reasoning_part(thoughts[n])] if thoughts.get(n) else []
        parts += [text_part(answer)] if answer else []
        if n == 0:
            parts += _pictures(ending)
            parts += [tool_call_part(tool.tool_call_id, tool.tool_name, tool.arguments) for tool in tools]
        told.append({"role": "assistant", "parts": parts, **_finish(finish_reasons, n)})
    return as_content([message for message in told if message["parts"]])


def system_instructions(facts: Facts) -> str | None:
    """The system prompts, as parts (JSON text)."""
    prompts = items(facts.asked.get("systemPrompts"))
    return as_content([text_part(prompt) for prompt in prompts if isinstance(prompt, str) and prompt])


def tool_definitions(facts: Facts) -> str | None:
    """The tools that were offered (JSON text)."""
    options, model_options = mapping(facts.asked.get("options")), mapping(facts.asked.get("modelOptions"))
    offered = items(facts.asked.get("tools")) or items(model_options.get("tools")) or items(options.get("tools"))
    return as_content([tool_definition(tool) for tool in offered])


def _thoughts(facts: Facts, ending: Ending) -> dict[int, str]:
    """The last message's reasoning of each choice: streamed, else as the end tells it."""
    found = {choice: joined for (_, choice), run in facts.thoughts.items() if (joined := run.joined())}
    if not found and isinstance(ending, Ended) and ending.event is not None:
        told = name(ending.event.payload.get("reasoning"))
        return {0: told} if told else {}
    return found


def _pictures(ending: Ending) -> list[Part]:
    images = items(ending.event.payload.get("images")) if isinstance(ending, Ended) and ending.event is not None else ()
    return [part for image in images if (part := media_part(image, "image")) is not None]


def _answers(facts: Facts, ending: Ending) -> list[str]:
    """The last message's text of each choice."""
    told = mapping(ending.event.payload if isinstance(ending, Ended) and ending.event is not None else None)
    if not facts.texts and "choiceContents" in told:
        return [content for content in items(told["choiceContents"]) if isinstance(content, str)]
    by_choice: dict[int, TextRun] = {}
    for (_, choice), run in facts.texts.items():
        if run.pieces:
            by_choice[choice] = run
    return [by_choice[choice].joined() for choice in sorted(by_choice)] or [find_answer(facts, ending) or ""]


def _ordered(events: Iterable[StoredEvent]) -> list[Mapping[str, Any]]:
    """One message a messageId, in the order of the conversation; of two the one that says more stays."""
    kept: dict[str, Mapping[str, Any]] = {}
    for event in events:
        key = name(event.payload.get("messageId")) or event.event_id
        if key not in kept or _says_more(event.payload, kept[key]):
            kept[key] = event.payload
    # The answer of this call is no part of what was asked: asked messages have an index, or a role that isn't the model's.
    asked = [message for message in kept.values() if message.get("role") != "assistant" or "messageIndex" in message]
    return sorted(asked, key=lambda message: whole(message.get("messageIndex")) or 0)


def _says_more(message: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(message.get("content")) and not other.get("content")


def _finish(finish_reasons: Sequence[str], n: int) -> Part:
    return {"finish_reason": finish_reasons[n]} if n < len(finish_reasons) else {}
