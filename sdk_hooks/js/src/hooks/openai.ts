// Hook openai's client: OpenAI, AzureOpenAI and their subclasses, instance by instance.
//
// Flow: host -> client.chat.completions.create(…) -> **client.request** -> recorder.
// Every resource and helper goes through the instance's `request`, once a logical call (retries are inside it). Its promise
// stays the SDK's own; the two members are replaced by which the host asks for the response and for what is parsed of it.
// Nothing is parsed that the host does not ask for. Checked with openai 6.49 and 7.57.
import type { CallOptions } from "../config.js";
import { guard, report } from "../guard.js";
import type { Fields } from "../platform.js";
import { type Call, moment, type Moment, startCall } from "../recorder.js";
import { type Endpoint, ENDPOINTS } from "./openai-endpoints.js";
import { findVideo } from "./openai-videos.js";
import { Replaced, SILENT } from "./patching.js";
import { type Followed, watchResponse } from "./raw.js";
import { errorOf, isAbort, isPlain, object, text } from "./reading.js";
import { isStream, watch } from "./streams.js";

interface Client {
  request: (...args: unknown[]) => unknown;
  withOptions: (...args: unknown[]) => unknown;
  readonly baseURL?: unknown;
}

interface State {
  layer: CallOptions;
  readonly replaced: Replaced;
  /** Who answers at the address that the client had last. */
  served: { by: unknown; provider: string };
}

/** The SDK's promise of an answer, as far as we touch it. */
interface AnswerPromise {
  parse: () => Promise<unknown>;
  asResponse: () => Promise<Response>;
  _thenUnwrap?: (transform: unknown) => AnswerPromise;
}

const clients = new WeakMap<object, State>();

export function instrument(client: object, layer: CallOptions): boolean {
  if (!isClient(client)) return false;
  const known = clients.get(client);
  if (known) {
    known.layer = layer;
    return true;
  }
  const state: State = { layer, replaced: new Replaced(), served: { by: undefined, provider: "openai" } };
  const { request, withOptions } = client;
  clients.set(client, state);
  state.replaced.replace(client, "request", function (this: unknown, ...args: unknown[]) {
    // What `guard` does, written out: no function is made for each call.
    let begun: Begun | undefined;
    try {
      begun = begin(client, state, args[0]);
    } catch (error) {
      report("openai.request", error);
    }
    const promise = request.apply(this ?? client, args);
    try {
      if (begun) follow(promise, begun);
    } catch (error) {
      report("openai.follow", error);
    }
    return promise;
  });
  state.replaced.replace(client, "withOptions", function (this: unknown, ...args: unknown[]) {
    const copy = withOptions.apply(this ?? client, args);
    if (clients.get(client) === state) guard("openai.copy", () => instrument(copy as object, state.layer));
    return copy;
  });
  return true;
}

export function uninstrument(client: object): boolean {
  const state = clients.get(client);
  if (!state) return false;
  clients.delete(client);
  state.layer = SILENT;
  state.replaced.restore();
  return true;
}

function isClient(client: object): client is Client {
  const found = client as Partial<Client>;
  return typeof found.request === "function" && typeof found.withOptions === "function" && "chat" in client && "responses" in client;
}

// -- one request ------------------------------------------------------------------------------------------------------------

interface Begun extends Followed {
  call: Call | undefined;
  endpoint: Endpoint | undefined;
  isAnswered: boolean;
}

const ignored = (): void => undefined;

/** The options may be a promise; ours is asked before the SDK's, so the call begins before anything is sent. */
function begin(client: Client, state: State, given: unknown): Begun {
  const begun: Begun = { call: undefined, endpoint: undefined, isAnswered: false, isParsed: false };
  const at = moment(state.layer);
  const start = (options: unknown): void => {
    try {
      startOf(client, state, object(options), at, begun);
    } catch (error) {
      report("openai.start", error);
    }
  };
  if (typeof (given as PromiseLike<unknown> | undefined)?.then === "function") {
    void (given as PromiseLike<unknown>).then(start, ignored);
  } else {
    start(given);
  }
  return begun;
}

function startOf(client: Client, state: State, options: Fields, at: Moment, begun: Begun): void {
  const found = endpointOf(options);
  if (!found) return;
  const { endpoint, jobId } = found;
  const request = jobId ? { jobId } : fieldsOf(options["body"]);
  begun.endpoint = endpoint;
  begun.call = startCall(
    { shape: endpoint.shape, request, provider: servedBy(client, state), model: text(request["model"]), streaming: options["stream"] === true }, at,
  );
}

interface Found {
  readonly endpoint: Endpoint;
  readonly jobId?: string;
}

const POSTED = new Map(Object.entries(ENDPOINTS).map(([path, endpoint]): [unknown, Found] => [path, { endpoint }]));

function endpointOf({ method, path: given }: Fields): Found | undefined {
  const known = method === "post" ? POSTED.get(given) : undefined;
  if (known) return known;
  // `beta.responses` asks `/responses?beta=true`.
  const path = (text(given) ?? "").split("?", 1)[0] as string;
  return (method === "post" ? POSTED.get(path) : undefined) ?? findVideo(method, path);
}

function servedBy(client: Client, state: State): string {
  if (state.served.by !== client.baseURL) state.served = { by: client.baseURL, provider: providerOf(client) };
  return state.served.provider;
}

/** A form's files are left out; of what is neither object nor form nothing is known. */
function fieldsOf(body: unknown): Fields {
  if (isPlain(body)) return body;
  if (typeof FormData === "function" && body instanceof FormData) {
    return Object.fromEntries([...body.entries()].filter(([, value]) => typeof value === "string"));
  }
  return ArrayBuffer.isView(body) ? {} : object(body);
}

/**
 * In place of the SDK's own promises, not beside them, and only once somebody asks: another promise would reject unhandled where
 * the host handles the first, and take the rejection from a host that handles none.
 */
function follow(given: unknown, begun: Begun): void {
  const promise = given as AnswerPromise;
  const { parse, asResponse, _thenUnwrap: derive } = promise;
  if (typeof parse !== "function" || typeof asResponse !== "function") return;
  let parsed: Promise<unknown> | undefined;
  // What `then`, `catch`, `finally` and `withResponse` go through.
  promise.parse = () => {
    begun.isParsed = true;
    return (parsed ??= parse.call(promise).then((result) => answered(result, begun), (error: unknown) => rethrown(error, begun)));
  };
  promise.asResponse = () => asResponse.call(promise).then((response) => handedOut(response, begun), (error: unknown) => rethrown(error, begun));
  if (typeof derive !== "function") return;
  // What a resource derives from it either reads through this one (6.49) or goes its own way (7.57).
  promise._thenUnwrap = (transform) => {
    const derived = derive.call(promise, transform);
    try {
      follow(derived, begun);
    } catch (error) {
      report("openai.derived", error);
    }
    return derived;
  };
}

function handedOut(response: Response, begun: Begun): Response {
  const { call, endpoint } = begun;
  if (call && endpoint && !begun.isParsed) guard("openai.raw", () => watchResponse(response, call, endpoint, begun));
  return response;
}

function rethrown(error: unknown, { call }: Begun): never {
  guard("openai.error", () => (isAbort(error) ? call?.abort() : call?.fail(errorOf(error))));
  throw error;
}

function answered<T>(result: T, begun: Begun): T {
  const { call, endpoint } = begun;
  if (!call || !endpoint || begun.isAnswered) return result;
  begun.isAnswered = true;
  try {
    if (isPlain(result)) endpoint.end(call, result);
    else if (isStream(result)) watch(result, endpoint.notes(call));
    else if (typeof Response === "function" && result instanceof Response) watchResponse(result, call, endpoint, { isParsed: false });
    else endpoint.end(call, result);
  } catch (error) {
    report("openai.answer", error);
    // An answer that can't be read is still an answer: the call must end.
    guard("openai.answer", () => call.completeUnread());
  }
  return result;
}

// -- who answers ------------------------------------------------------------------------------------------------------------

/** Who answers behind an address that speaks openai's language, by gen_ai.provider.name. */
const PROVIDERS: Record<string, string> = {
  "openrouter.ai": "openrouter",
  "api.deepseek.com": "deepseek",
  "api.groq.com": "groq",
  "api.mistral.ai": "mistral_ai",
  "api.perplexity.ai": "perplexity",
  "api.x.ai": "x_ai",
};

export function providerOf(client: { readonly baseURL?: unknown }): string {
  // A bundler may have given the class another name.
  if ("deploymentName" in client || /azure/i.test(client.constructor.name)) return "azure.ai.openai";
  try {
    return PROVIDERS[new URL(String(client.baseURL)).hostname] ?? "openai";
  } catch {
    return "openai";
  }
}
