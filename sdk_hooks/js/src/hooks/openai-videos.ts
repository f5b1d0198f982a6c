// openai's videos: jobs that are asked for, polled and fetched.
//
// Flow: client.request -> **endpoint** -> recorder, as `video:request:*`.
// `create` (and `edit`, `extend`, `remix`) begins a job, each `retrieve` is a poll, `downloadContent` fetches what was made. Each
// is a call; the collector puts those of one job into one trace. Deleting and listing are none.
import type { Fields } from "../platform.js";
import type { Call } from "../recorder.js";
import { providerError } from "./openai-answers.js";
import type { Endpoint } from "./openai-endpoints.js";
import { MediaNotes } from "./openai-notes.js";
import { object, present, text } from "./reading.js";

const CREATING = /^\/videos(\/(edits|extensions|[^/]+\/remix))?$/;
const JOB = /^\/videos\/([^/]+)(\/content)?$/;
const STATUS: Record<string, string> = { queued: "pending", in_progress: "processing" };
/** What has a place of its own in the event, or is a video itself. */
const SAID_ELSEWHERE = new Set("model prompt size seconds input_reference video".split(" "));

/** Which of a video's calls it is, and of which job. */
export function findVideo(method: unknown, path: string): { endpoint: Endpoint; jobId?: string } | undefined {
  if (!path.startsWith("/videos")) return undefined;
  if (method === "post") return CREATING.test(path) ? { endpoint: CREATE } : undefined;
  const [, jobId, content] = (method === "get" && JOB.exec(path)) || [];
  return jobId ? { endpoint: content ? FETCH : POLL, jobId } : undefined;
}

function startedVideo(request: unknown): Fields {
  const asked = object(request);
  const seconds = Number(asked["seconds"]);
  const options = Object.keys(asked).filter((name) => !SAID_ELSEWHERE.has(name));
  return present({
    requestType: "create", prompt: text(asked["prompt"]), size: text(asked["size"]), duration: seconds > 0 ? seconds : undefined,
    modelOptions: options.length ? Object.fromEntries(options.map((name) => [name, asked[name]])) : undefined,
  });
}

const ofJob = (requestType: string) => (request: unknown): Fields => ({ requestType, ...object(request) });

function endJob(call: Call, result: unknown): void {
  const job = object(result);
  const status = text(job["status"]) ?? "";
  const answer = present({
    jobId: text(job["id"]), status: STATUS[status] ?? status, progress: job["progress"], responseModel: text(job["model"]), size: text(job["size"]),
  });
  if (status === "failed") call.fail(providerError(job["error"]), answer);
  else call.complete(answer);
}

const notes = (call: Call): MediaNotes => new MediaNotes(call);
const CREATE: Endpoint = { shape: { activity: "video", started: startedVideo }, end: endJob, notes };
const POLL: Endpoint = { shape: { activity: "video", started: ofJob("status") }, end: endJob, notes };
const FETCH: Endpoint = {
  shape: { activity: "video", started: ofJob("url") },
  end: (call) => call.complete(),
  notes,
  // The size only: a film is too large for an event, and the job's id says where it is.
  bytes: (_, length, contentType) => ({ contentType, bytes: length }),
};
