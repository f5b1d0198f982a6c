// Which of openai's paths is what kind of call, and how its whole answer ends the call. What has no row is not recorded.
import type { Fields } from "../platform.js";
import type { Call } from "../recorder.js";
import type { Activity, Answered, Shape } from "../shapes.js";
import * as answers from "./openai-answers.js";
import { ChatNotes, EndNotes, endImage, ImageNotes, type Notes, ResponseNotes, TranscriptionNotes } from "./openai-notes.js";
import * as shapes from "./openai-shapes.js";
import { object, text } from "./reading.js";

export interface Endpoint<A extends Activity = Activity> {
  readonly shape: Shape<A>;
  /** Reads a whole answer (JSON or text) and ends the call. */
  end(call: Call<A>, result: unknown): void;
  notes(call: Call<A>): Notes;
  /** Where the whole answer is bytes: what is told of them. What was too long to be held is undefined. */
  readonly bytes?: ((content: Uint8Array | undefined, length: number, contentType: string) => Answered<A>) | undefined;
}

function endChat(call: Call<"text">, result: unknown): void {
  const kept = answers.keptChat(object(result));
  const answer = (): Answered<"text"> => answers.chatAnswer(kept);
  const { failed } = kept;
  if (failed) call.fail(answers.providerError(failed.error), answer);
  else call.complete(answer);
}

function endResponse(call: Call<"text">, result: unknown): void {
  const response = object(result);
  for (const image of answers.madeImages(response)) {
    // When it was begun is not known: it took the response's whole time at most.
    const made = call.child(shapes.IMAGE, image.itemId, text(response["model"]), call.startMs);
    if (made) endImage(made, image);
  }
  const kept = answers.keptResponse(response);
  const answer = (): Answered<"text"> => answers.responseAnswer(kept);
  if (response["status"] === "failed") call.fail(answers.providerError(response["error"]), answer);
  else if (response["status"] === "cancelled") call.abort(answer);
  else call.complete(answer);
}

function ending<A extends Activity>(read: (result: Fields) => Answered<A>): Endpoint<A>["end"] {
  return (call, result) => call.complete(read(object(result)));
}

const chat: Endpoint<"text"> = { shape: shapes.CHAT, end: endChat, notes: (call) => new ChatNotes(call) };
const response: Endpoint<"text"> = { shape: shapes.RESPONSE, end: endResponse, notes: (call) => new ResponseNotes(call) };
export const followed = (call: Call): Notes => new EndNotes(call);
const image: Endpoint<"image"> = { shape: shapes.IMAGE, end: ending(answers.imagesAnswer), notes: (call) => new ImageNotes(call) };
const embedding: Endpoint<"embedding"> = { shape: shapes.EMBEDDING, end: ending(answers.embeddingsAnswer), notes: followed };
const speech: Endpoint<"speech"> = {
  shape: shapes.SPEECH, end: (call) => call.completeUnread(), notes: followed, bytes: answers.speechAnswer,
};
const transcription: Endpoint<"transcription"> = {
  shape: shapes.TRANSCRIPTION, end: (call, result) => call.complete(answers.transcriptionAnswer(result)),
  notes: (call) => new TranscriptionNotes(call),
};
const moderation: Endpoint<"moderation"> = { shape: shapes.MODERATION, end: ending(answers.moderationAnswer), notes: followed };

export const ENDPOINTS = {
  "/chat/completions": chat,
  "/completions": chat,
  "/responses": response,
  "/images/generations": image,
  "/images/edits": image,
  "/images/variations": image,
  "/embeddings": embedding,
  "/audio/speech": speech,
  "/audio/transcriptions": transcription,
  "/audio/translations": transcription,
  "/moderations": moderation,
} satisfies Readonly<Record<string, Endpoint>>;
