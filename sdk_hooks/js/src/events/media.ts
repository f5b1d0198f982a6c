// Generated from sdk_hooks/events/ by `make gen`; don't edit.

import type { Audio, ErrorInfo, Event, Image, Terminal, TokenUsage } from "./base.js";

export interface AudioRequestCompletedEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  audio: Audio;
  duration: number;
}

export interface AudioRequestErrorEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  error: ErrorInfo;
  duration: number;
}

export interface AudioRequestStartedEvent extends Event {
  requestId: string;
  provider: string;
  model: string;
  prompt: string;
  duration?: number;
}

export interface AudioUsageEvent extends Event {
  requestId: string;
  model: string;
  usage: TokenUsage;
}

export interface ImageRequestCompletedEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  images: Image[];
  duration: number;
}

export interface ImageRequestStartedEvent extends Event {
  requestId: string;
  provider: string;
  model: string;
  prompt: string;
  numberOfImages?: number;
  size?: string;
  imageInputCount?: number;
  videoInputCount?: number;
  audioInputCount?: number;
}

export interface ImageUsageEvent extends Event {
  requestId: string;
  model: string;
  usage: TokenUsage;
}

export interface SpeechRequestCompletedEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  audio: string;
  format: string;
  duration: number;
  audioDuration?: number;
  contentType?: string;
}

export interface SpeechRequestErrorEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  error: ErrorInfo;
  duration: number;
}

export interface SpeechRequestStartedEvent extends Event {
  requestId: string;
  provider: string;
  model: string;
  text: string;
  voice?: string;
  format?: string;
  speed?: number;
}

export interface SpeechUsageEvent extends Event {
  requestId: string;
  model: string;
  usage: TokenUsage;
}

export interface TranscriptionRequestCompletedEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  text: string;
  language?: string;
  duration: number;
}

export interface TranscriptionRequestErrorEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  error: ErrorInfo;
  duration: number;
}

export interface TranscriptionRequestStartedEvent extends Event {
  requestId: string;
  provider: string;
  model: string;
  language?: string;
  prompt?: string;
  responseFormat?: string;
}

export interface TranscriptionUsageEvent extends Event {
  requestId: string;
  model: string;
  usage: TokenUsage;
}

export interface VoiceRequestCompletedEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  voiceIds: string[];
  voiceCount: number;
  previewText?: string;
  duration: number;
}

export interface VoiceRequestErrorEvent extends Terminal {
  requestId: string;
  provider: string;
  model: string;
  error: ErrorInfo;
  duration: number;
}

export interface VoiceRequestStartedEvent extends Event {
  requestId: string;
  provider: string;
  model: string;
  prompt?: string;
  name?: string;
  description?: string;
  hasReferenceAudio: boolean;
}

export interface VoiceUsageEvent extends Event {
  requestId: string;
  model: string;
  usage: TokenUsage;
}
