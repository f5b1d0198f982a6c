"""
One event of each origin that hookline was made for, with every field set, in values that can be found again.

Flow: **origins** -> `landing` -> the test that nothing is dropped, and docs/dialects.md.
"""

from dataclasses import dataclass

from tests.fakes.foreign import PNG, T0, Event, agents_response, b64, enveloped

IMAGE_WHERE: Event = {"item_id": "ig_68fe0c", "output_index": 7301, "sequence_number": 7302}
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

BASE: Event = {
    "timestamp": T0 + 77_001,
    "eventId": "0198c1-host-7411",
    "streamId": "stream-7f3a",
    "hookId": "hook-19bd",
    "threadId": "thread-55aa",
    "runId": "run-90c1",
    "messageId": "message-c0de",
    "toolCallId": "toolcall-2b2b",
    "clientId": "checkout-web",
    "runtimeId": "runtime-e1e1",
    "source": "server",
    "visibility": "visibility-word",
    "sequence": 7411,
    "correlationId": "correlation-4d4d",
    "relatedEventId": "related-8e8e",
    "provider": "provider-word",
    "model": "model-word-1",
    "systemPrompts": ["You draw what you are told."],
    "options": {"option": "option-word"},
    "modelOptions": {"modelOption": "model-option-word"},
    "toolNames": ["tool-name-word"],
    "messageCount": 7412,
    "hasTools": True,
    "streaming": False,
}
OURS: Event = {
    "sessionId": "session-66ee",
    "userId": "user-31ab",
    "tags": {"tier": "gold-tag"},
    "sampleRate": 0.7413,
    "parentRequestId": "parent-request-1",
    "parentToolCallId": "parent-tool-1",
    "rootRequestId": "root-request-1",
    "traceparent": TRACEPARENT,
    "agentName": "agent-name-word",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """An event, where it is from, and what one should know of it."""

    title: str
    note: str
    post: Event


def _post(plugin_id: str, event: Event) -> Event:
    # Without a count of the context's own, the stream's is the one that orders.
    context = {name: value for name, value in {**BASE, **OURS}.items() if name != "sequence"}
    (post,) = enveloped(plugin_id, [event], request_id="request-1a2b", **context)
    return post


ORIGINS: tuple[Origin, ...] = (
    Origin(
        title="TanStack AI: `ImageRequestCompletedEvent`",
        note="Its own event has all base fields in the payload; here those that hookline adds come in the context.",
        post={
            "type": "tanstack-ai-devtools:image:request:completed",
            "pluginId": "tanstack-ai-devtools",
            "payload": {
                **BASE,
                "requestId": "request-1a2b",
                "images": [{"url": "https://example.test/axolotl.png"}, {"b64Json": b64(PNG)}],
                "duration": 4210.25,
            },
            "context": OURS,
        },
    ),
    Origin(
        title="OpenRouter SDK: `OpenResponsesStreamEventResponseImageGenerationCallCompleted` (`ImageGenCallCompletedEvent`)",
        note="No bytes in it: they come with the item's `response.output_item.done`. The image is a call of its own.",
        post=_post(
            "openrouter",
            {
                "type": "response.image_generation_call.completed",
                "itemId": IMAGE_WHERE["item_id"],
                "outputIndex": IMAGE_WHERE["output_index"],
                "sequenceNumber": IMAGE_WHERE["sequence_number"],
            },
        ),
    ),
    Origin(
        title="OpenAI Agents SDK for JavaScript: `StreamEventResponseCompleted`",
        note="With every kind of output item. Its images belong to its own call.",
        post=_post(
            "openai-agents",
            {"type": "response_done", "response": agents_response(), "providerData": {"note": "note-on-event"}},
        ),
    ),
    Origin(
        title="openai-python: `ResponseImageGenCallCompletedEvent`",
        note="As OpenRouter's, in snake_case.",
        post=_post("openai", {"type": "response.image_generation_call.completed", **IMAGE_WHERE}),
    ),
    Origin(
        title="aisbreaker-api-js: `OutputImage`",
        note="A finished image ends its call until a `ResponseFinal` does; one that `isProcessing` does not.",
        post=_post(
            "aisbreaker",
            {
                "type": "OutputImage",
                "index": 7321,
                "role": "assistant",
                "url": "https://example.test/axolotl.png",
                "base64": b64(PNG),
                "isProcessing": False,
            },
        ),
    ),
)
