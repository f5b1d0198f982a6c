// openai's videos: jobs that are asked for, polled and fetched.
//
// Flow: client.request -> **endpoint** -> recorder, as `video:request:*`.
// `create` (and `edit`, `extend`, `remix`) begins a job, each `retrieve` is a poll, `downloadContent` fetches what was made. Each
// is a call; the collector puts those of one job into one trace. Deleting and listing are none.
import type { Fields } from "../platform.js";
import type { Call } from "../recorder.js";
import type { Answered, Shape, Started } from "../shapes.js";
import { providerError } from "./openai-answers.js";
import { type Endpoint, followed } from "./openai-endpoints.js";
import { number, object, present, text } from "./reading.js";

const CREATING = /^\/videos(\/(edits|extensions|[^/]+\/remix))?$/;
const JOB = /^\/videos\/([^/]+)(\/content)?$/;
type Status = NonNullable<Answered<"video">["status"]>;
const STATUS: Record<string, Status> = { queued: "pending", in_progress: "processing", completed: "completed", failed: "failed" };
/** What has a place of its own in the event, or is a video itself. */
const SAID_ELSEWHERE = new Set("model prompt size seconds input_reference video".split(" "));

/** Which of a video's calls it is, and of which job. */
export function findVideo(method: unknown, path: string): { endpoint: Endpoint<"video">; jobId?: string } | undefined {
  if (!path.startsWith("/videos")) return undefined;
  if (method === "post") return CREATING.test(path) ? { endpoint: CREATE } : undefined;
  const [, jobId, content] = (method === "get" && JOB.exec(path)) || [];
  return jobId ? { endpoint: content ? FETCH : POLL, jobId } : undefined;
}

function startedVideo(request: unknown): Started<"video"> {
  const asked = object(request);
  const seconds = Number(asked["seconds"]);
  const options = Object.keys(asked).filter((name) => !SAID_ELSEWHERE.has(name));
  return present({
    requestType: "create" as const, prompt: text(asked["prompt"]), size: text(asked["size"]), duration: seconds > 0 ? seconds : undefined,
    modelOptions: options.length ? Object.fromEntries(options.map((name) => [name, asked[name]])) : undefined,
  });
}

function ofJob(requestType: "status" | "url"): Shape<"video"> {
  return { activity: "video", started: (request) => present({ requestType, jobId: text(object(request)["jobId"]) }) };
}

function endJob(call: Call<"video">, result: unknown): void {
  const job = object(result);
  const given = text(job["status"]) ?? "";
  const status = STATUS[given];
  const answer = present({
    jobId: text(job["id"]), status, providerStatus: status ? undefined : given, progress: number(job["progress"]),
    responseModel: text(job["model"]), size: text(job["size"]),
  });
  if (status === "failed") call.fail(providerError(job["error"]), answer);
  else call.complete(answer);
}

const CREATE: Endpoint<"video"> = { shape: { activity: "video", started: startedVideo }, end: endJob, notes: followed };
const POLL: Endpoint<"video"> = { shape: ofJob("status"), end: endJob, notes: followed };
const FETCH: Endpoint<"video"> = {
  shape: ofJob("url"),
  end: (call) => call.completeUnread(),
  notes: followed,
  bytes: (_, length, contentType) => fetched(length, contentType),
};

/** The size only: a film is too large for an event, and the job's id says where it is. */
function fetched(bytes: number, contentType: string): Answered<"video"> & Fields {
  return { contentType, bytes };
}
