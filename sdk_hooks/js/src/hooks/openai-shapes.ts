// How openai's calls become events, by kind.
import type { Shape } from "../recorder.js";
import * as requests from "./openai-requests.js";

export const CHAT: Shape = { activity: "text", started: requests.startedChat };
export const RESPONSE: Shape = { activity: "text", started: requests.startedResponse };
export const IMAGE: Shape = { activity: "image", started: requests.startedImage };
export const EMBEDDING: Shape = { activity: "embedding", started: requests.startedEmbedding };
export const SPEECH: Shape = { activity: "speech", started: requests.startedSpeech };
export const TRANSCRIPTION: Shape = { activity: "transcription", started: requests.startedTranscription };
export const MODERATION: Shape = { activity: "moderation", started: requests.startedModeration };
