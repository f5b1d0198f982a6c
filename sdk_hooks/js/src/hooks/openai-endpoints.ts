// Which of openai's paths is what kind of call, and how its whole answer ends the call. What has no row is not recorded.
import type { Fields } from "../platform.js";
import type { Call, Shape } from "../recorder.js";
import * as answers from "./openai-answers.js";
import { ChatNotes, endImage, MediaNotes, type Notes, ResponseNotes } from "./openai-notes.js";
import * as shapes from "./openai-shapes.js";
import { object, text } from "./reading.js";

export interface Endpoint {
  readonly shape: Shape;
  /** Reads a whole answer (JSON or text) and ends the call. */
  end(call: Call, result: unknown): void;
  notes(call: Call): Notes;
  /** Where the whole answer is bytes: what is told of them. What was too long to be held is undefined. */
  readonly bytes?: ((content: Uint8Array | undefined, length: number, contentType: string) => Fields) | undefined;
}

function endChat(call: Call, result: unknown): void {
  const kept = answers.keptChat(object(result));
  const answer = (): Fields => answers.chatAnswer(kept);
  const { failed } = kept;
  if (failed) call.fail(answers.providerError(failed.error), answer);
  else call.complete(answer);
}

function endResponse(call: Call, result: unknown): void {
  const response = object(result);
  for (const image of answers.madeImages(response)) {
    // When it was begun is not known: it took the response's whole time at most.
    const made = call.child(shapes.IMAGE, image.itemId, text(response["model"]), call.startMs);
    if (made) endImage(made, image);
  }
  const kept = answers.keptResponse(response);
  const answer = (): Fields => answers.responseAnswer(kept);
  if (response["status"] === "failed") call.fail(answers.providerError(response["error"]), answer);
  else if (response["status"] === "cancelled") call.abort(answer);
  else call.complete(answer);
}

function ending(read: (result: Fields) => Fields): Endpoint["end"] {
  return (call, result) => call.complete(read(object(result)));
}

const chat: Endpoint = { shape: shapes.CHAT, end: endChat, notes: (call) => new ChatNotes(call) };
const media = (call: Call): Notes => new MediaNotes(call);
const image: Endpoint = { shape: shapes.IMAGE, end: ending(answers.imagesAnswer), notes: media };
const transcription: Endpoint = {
  shape: shapes.TRANSCRIPTION, end: (call, result) => call.complete(answers.transcriptionAnswer(result)), notes: media,
};

export const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "/chat/completions": chat,
  "/completions": chat,
  "/responses": { shape: shapes.RESPONSE, end: endResponse, notes: (call) => new ResponseNotes(call) },
  "/images/generations": image,
  "/images/edits": image,
  "/images/variations": image,
  "/embeddings": { shape: shapes.EMBEDDING, end: ending(answers.embeddingsAnswer), notes: media },
  "/audio/speech": { shape: shapes.SPEECH, end: (call) => call.complete(), notes: media, bytes: answers.speechAnswer },
  "/audio/transcriptions": transcription,
  "/audio/translations": transcription,
  "/moderations": { shape: shapes.MODERATION, end: ending(answers.moderationAnswer), notes: media },
};
