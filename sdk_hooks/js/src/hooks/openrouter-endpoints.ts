// Which methods of OpenRouter's resources are what kind of call, and how requests and answers read that openai has not.
// One row a method. What has no row is not recorded: keys, models, files and the like are no calls of a model.
import type { Fields } from "../platform.js";
import type { Call, Shape } from "../recorder.js";
import { providerError, usageFields } from "./openai-answers.js";
import { type Endpoint, ENDPOINTS } from "./openai-endpoints.js";
import { MediaNotes } from "./openai-notes.js";
import { startedTranscription } from "./openai-requests.js";
import { list, object, present, text } from "./reading.js";

/** The request is kept as the text that goes over the wire, and read when the event is made. */
function fromWire(shape: Shape): Shape {
  return { ...shape, started: (request) => shape.started(typeof request === "string" ? JSON.parse(request) : request) };
}

function wired(endpoint: Endpoint | undefined): Endpoint {
  const known = endpoint as Endpoint;
  return { ...known, shape: fromWire(known.shape) };
}

/** Image events: an error among them is an event like any other. */
class ImageNotes extends MediaNotes {
  private error: unknown;

  override item(event: Fields): void {
    if (event["type"] === "error") this.error = event["error"];
    else super.item(event);
  }

  override ended(): void {
    if (this.error) this.call.fail(providerError(this.error), this.answer());
    else super.ended();
  }

  override left(isKnown = true): void {
    // Leaving when the picture is there, or the error, misses nothing.
    if (this.error || "images" in this.answer()) this.ended();
    else super.left(isKnown);
  }
}

function withoutAudio(request: unknown): Fields {
  const { input_audio: _, file: __, ...rest } = object(request);
  return startedTranscription(rest);
}

function startedRerank(request: unknown): Fields {
  const { model: _, query, documents, ...modelOptions } = object(request);
  return present({
    query: text(query) ?? "", documentCount: Array.isArray(documents) ? documents.length : undefined,
    modelOptions: Object.keys(modelOptions).length ? modelOptions : undefined,
  });
}

function endRerank(call: Call, result: unknown): void {
  const response = object(result);
  call.complete(present({
    responseModel: text(response["model"]), responseId: text(response["id"]), resultCount: list(response["results"]).length,
    ...usageFields(response["usage"]),
  }));
}

function startedVideo(request: unknown): Fields {
  const asked = object(request);
  if ("jobId" in asked) return { requestType: "status", jobId: asked["jobId"] };
  const { model: _, prompt, resolution, duration, ...modelOptions } = asked;
  return present({
    requestType: "create", prompt: text(prompt), size: text(resolution), duration,
    modelOptions: Object.keys(modelOptions).length ? modelOptions : undefined,
  });
}

function endVideo(call: Call, result: unknown): void {
  const job = object(result);
  const status = text(job["status"]) === "in_progress" ? "processing" : text(job["status"]);
  const [url] = [...list(job["unsigned_urls"]), ...list(job["urls"])];
  const answer = present({ jobId: job["id"], status, url, ...usageFields(job["usage"]) });
  if (status === "failed") call.fail({ name: "video_generation_failed", message: text(job["error"]) ?? "" }, answer);
  else call.complete(answer);
}

const media = (call: Call): MediaNotes => new MediaNotes(call);
const transcription = ENDPOINTS["/audio/transcriptions"] as Endpoint;
const chat = wired(ENDPOINTS["/chat/completions"]);
const responses = wired(ENDPOINTS["/responses"]);
const images: Endpoint = { ...wired(ENDPOINTS["/images/generations"]), notes: (call) => new ImageNotes(call) };
const embeddings = wired(ENDPOINTS["/embeddings"]);
const speech = wired(ENDPOINTS["/audio/speech"]);
const heard: Endpoint = { ...transcription, shape: fromWire({ activity: "transcription", started: withoutAudio }) };
const rerank: Endpoint = { shape: fromWire({ activity: "rerank", started: startedRerank }), end: endRerank, notes: media };
const video: Endpoint = { shape: fromWire({ activity: "video", started: startedVideo }), end: endVideo, notes: media };

export interface Row {
  readonly endpoint: Endpoint;
  /** The member of the method's argument that has the request. */
  readonly body: string;
}

/** Resource, as the client has it -> method -> row. */
export const RESOURCES: Readonly<Record<string, Readonly<Record<string, Row>>>> = {
  chat: { send: { endpoint: chat, body: "chatRequest" } },
  responses: { send: { endpoint: responses, body: "responsesRequest" } },
  "beta.responses": { send: { endpoint: responses, body: "responsesRequest" } },
  images: { generate: { endpoint: images, body: "imageGenerationRequest" } },
  embeddings: { generate: { endpoint: embeddings, body: "requestBody" } },
  tts: { createSpeech: { endpoint: speech, body: "speechRequest" } },
  stt: {
    createTranscription: { endpoint: heard, body: "sttRequest" },
    createTranscriptionMultipart: { endpoint: heard, body: "requestBody" },
  },
  rerank: { rerank: { endpoint: rerank, body: "requestBody" } },
  videoGeneration: {
    generate: { endpoint: video, body: "videoGenerationRequest" },
    getGeneration: { endpoint: video, body: "" },
  },
};

/** By path, for what goes out from the client itself: `callModel`, and the SDK's functions that take a client. */
export const WIRE: Readonly<Record<string, Endpoint>> = {
  "/chat/completions": chat, "/responses": responses, "/images": images, "/embeddings": embeddings, "/rerank": rerank,
  "/audio/speech": speech, "/audio/transcriptions": heard, "/videos": video,
};
