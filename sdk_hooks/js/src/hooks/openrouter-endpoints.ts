// Which methods of OpenRouter's resources are what kind of call, and how requests and answers read that openai has not.
// One row a method. What has no row is not recorded: keys, models, files and the like are no calls of a model.
import type { Fields } from "../platform.js";
import type { Call } from "../recorder.js";
import type { Activity, Answered, Shape, Started } from "../shapes.js";
import { providerError, usageFields } from "./openai-answers.js";
import { type Endpoint, ENDPOINTS, followed } from "./openai-endpoints.js";
import * as notes from "./openai-notes.js";
import { startedTranscription } from "./openai-requests.js";
import { list, number, object, present, text } from "./reading.js";

/** The request is kept as the text that goes over the wire, and read when the event is made. */
function fromWire<A extends Activity>(shape: Shape<A>): Shape<A> {
  return { ...shape, read: (kept) => object(typeof kept === "string" ? JSON.parse(kept) : kept) };
}

function wired<A extends Activity>(endpoint: Endpoint<A>): Endpoint<A> {
  return { ...endpoint, shape: fromWire(endpoint.shape) };
}

/** Image events: an error among them is an event like any other. */
class ImageNotes extends notes.ImageNotes {
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
    if (this.error || this.images.length) this.ended();
    else super.left(isKnown);
  }
}

function withoutAudio(request: unknown): Started<"transcription"> {
  const { input_audio: _, file: __, ...rest } = object(request);
  return startedTranscription(rest);
}

function startedRerank(request: unknown): Started<"rerank"> {
  const { model: _, query, documents, ...modelOptions } = object(request);
  return present({
    query: text(query) ?? "", documentCount: list(documents).length,
    modelOptions: Object.keys(modelOptions).length ? modelOptions : undefined,
  });
}

function endRerank(call: Call<"rerank">, result: unknown): void {
  const response = object(result);
  call.complete(present({
    responseModel: text(response["model"]), responseId: text(response["id"]), resultCount: list(response["results"]).length,
    ...usageFields(response["usage"]),
  }));
}

function startedVideo(request: unknown): Started<"video"> {
  const asked = object(request);
  if ("jobId" in asked) return present({ requestType: "status" as const, jobId: text(asked["jobId"]) });
  const { model: _, prompt, resolution, duration, ...modelOptions } = asked;
  return present({
    requestType: "create" as const, prompt: text(prompt), size: text(resolution), duration: number(duration),
    modelOptions: Object.keys(modelOptions).length ? modelOptions : undefined,
  });
}

type Status = NonNullable<Answered<"video">["status"]>;
const STATUS: Record<string, Status> = {
  pending: "pending", processing: "processing", in_progress: "processing", completed: "completed", failed: "failed",
};

function endVideo(call: Call<"video">, result: unknown): void {
  const job = object(result);
  const given = text(job["status"]) ?? "";
  const status = STATUS[given];
  const [url] = [...list(job["unsigned_urls"]), ...list(job["urls"])];
  const answer = present({
    jobId: text(job["id"]), status, providerStatus: status ? undefined : given, url: text(url), ...usageFields(job["usage"]),
  });
  if (status === "failed") call.fail({ name: "video_generation_failed", message: text(job["error"]) ?? "" }, answer);
  else call.complete(answer);
}

const transcription = ENDPOINTS["/audio/transcriptions"];
const chat = wired(ENDPOINTS["/chat/completions"]);
const responses = wired(ENDPOINTS["/responses"]);
const images: Endpoint<"image"> = { ...wired(ENDPOINTS["/images/generations"]), notes: (call) => new ImageNotes(call) };
const embeddings = wired(ENDPOINTS["/embeddings"]);
const speech = wired(ENDPOINTS["/audio/speech"]);
const heard: Endpoint<"transcription"> = { ...transcription, shape: fromWire({ activity: "transcription", started: withoutAudio }) };
const rerank: Endpoint<"rerank"> = { shape: fromWire({ activity: "rerank", started: startedRerank }), end: endRerank, notes: followed };
const video: Endpoint<"video"> = { shape: fromWire({ activity: "video", started: startedVideo }), end: endVideo, notes: followed };

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
