// How openai's calls become events, by kind.
import type { Shape } from "../shapes.js";
import * as requests from "./openai-requests.js";

export const CHAT: Shape<"text"> = { activity: "text", started: requests.startedChat };
export const RESPONSE: Shape<"text"> = { activity: "text", started: requests.startedResponse };
export const IMAGE: Shape<"image"> = { activity: "image", started: requests.startedImage };
export const EMBEDDING: Shape<"embedding"> = { activity: "embedding", started: requests.startedEmbedding };
export const SPEECH: Shape<"speech"> = { activity: "speech", started: requests.startedSpeech };
export const TRANSCRIPTION: Shape<"transcription"> = { activity: "transcription", started: requests.startedTranscription };
export const MODERATION: Shape<"moderation"> = { activity: "moderation", started: requests.startedModeration };
