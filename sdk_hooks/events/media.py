"""
Images and sound, made or heard.

Flow: hooks and other senders -> **this shape** -> collector. Names and requiredness are those of the catalogue.
"""

# An event type makes fields required that are optional in the base; type checkers have no word for that before Python 3.13.
# pyright: reportIncompatibleVariableOverride=false

from collections.abc import Mapping
from typing import NotRequired

from sdk_hooks.events.base import Audio, ErrorInfo, Event, Image, Terminal, TokenUsage


class ImageRequestStartedEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    prompt: str
    numberOfImages: NotRequired[float]
    size: NotRequired[str]
    imageInputCount: NotRequired[float]
    videoInputCount: NotRequired[float]
    audioInputCount: NotRequired[float]


class ImageRequestCompletedEvent(Terminal):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    images: list[Image]
    duration: float


class ImageUsageEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    model: str
    usage: TokenUsage


class SpeechRequestStartedEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    text: str
    voice: NotRequired[str]
    format: NotRequired[str]
    speed: NotRequired[float]


class SpeechRequestCompletedEvent(Terminal):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    audio: str
    format: str
    duration: float
    audioDuration: NotRequired[float]
    contentType: NotRequired[str]


class SpeechRequestErrorEvent(Terminal):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    error: ErrorInfo
    duration: float


class SpeechUsageEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    model: str
    usage: TokenUsage


class VoiceRequestStartedEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    prompt: NotRequired[str]
    name: NotRequired[str]
    description: NotRequired[str]
    hasReferenceAudio: bool


class VoiceRequestCompletedEvent(Terminal):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    voiceIds: list[str]
    voiceCount: float
    previewText: NotRequired[str]
    duration: float


class VoiceRequestErrorEvent(Terminal):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    error: ErrorInfo
    duration: float


class VoiceUsageEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    model: str
    usage: TokenUsage


class TranscriptionRequestStartedEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    language: NotRequired[str]
    prompt: NotRequired[str]
    responseFormat: NotRequired[str]


class TranscriptionRequestCompletedEvent(Terminal):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    text: str
    language: NotRequired[str]
    duration: float


class TranscriptionRequestErrorEvent(Terminal):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    error: ErrorInfo
    duration: float


class TranscriptionUsageEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    model: str
    usage: TokenUsage


class AudioRequestStartedEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    prompt: str
    duration: NotRequired[float]


class AudioRequestCompletedEvent(Terminal):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    audio: Audio
    duration: float


class AudioRequestErrorEvent(Terminal):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    provider: str
    model: str
    error: ErrorInfo
    duration: float


class AudioUsageEvent(Event):
    requestId: str
    threadId: NotRequired[str]
    runId: NotRequired[str]
    model: str
    usage: TokenUsage


MEDIA_EVENTS: Mapping[str, type] = {
    "image:request:started": ImageRequestStartedEvent,
    "image:request:completed": ImageRequestCompletedEvent,
    "image:usage": ImageUsageEvent,
    "speech:request:started": SpeechRequestStartedEvent,
    "speech:request:completed": SpeechRequestCompletedEvent,
    "speech:request:error": SpeechRequestErrorEvent,
    "speech:usage": SpeechUsageEvent,
    "voice:request:started": VoiceRequestStartedEvent,
    "voice:request:completed": VoiceRequestCompletedEvent,
    "voice:request:error": VoiceRequestErrorEvent,
    "voice:usage": VoiceUsageEvent,
    "transcription:request:started": TranscriptionRequestStartedEvent,
    "transcription:request:completed": TranscriptionRequestCompletedEvent,
    "transcription:request:error": TranscriptionRequestErrorEvent,
    "transcription:usage": TranscriptionUsageEvent,
    "audio:request:started": AudioRequestStartedEvent,
    "audio:request:completed": AudioRequestCompletedEvent,
    "audio:request:error": AudioRequestErrorEvent,
    "audio:usage": AudioUsageEvent,
}
