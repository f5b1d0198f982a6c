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
import { behind, Replaced, SILENT } from "./patching.js";
import { type Followed, watchResponse } from "./raw.js";
import { errorOf, isAbort, isPlain, knowErrors, object, text } from "./reading.js";
import { isStream, watch } from "./streams.js";

interface Client {
  request: (...args: unknown[]) => unknown;
  withOptions: (...args: unknown[]) => unknown;
  readonly baseURL?: unknown;
}

interface State {
  readonly client: object;
  layer: CallOptions;
  readonly replaced: Replaced;
  /** Who answers at the address that the client had last. */
  served: { by: unknown; provider: string };
}

/** The SDK's promise of an answer, as far as we touch it. */
interface AnswerPromise {
  readonly responsePromise?: Promise<unknown>;
  parse: () => Promise<unknown>;
  asResponse: () => Promise<Response>;
  _thenUnwrap?: (transform: unknown) => AnswerPromise;
}

const clients = new WeakMap<object, State>();
/** By our `request`: a proxy of a client, or what inherits from it, is the same client. */
const states = new WeakMap<object, State>();

export function instrument(client: object, layer: CallOptions): boolean {
  if (!isClient(client)) return false;
  const known = stateOf(client);
  if (known) {
    known.layer = layer;
    return true;
  }
  const state: State = { client, layer, replaced: new Replaced(), served: { by: undefined, provider: "openai" } };
  const request = behind<Client["request"]>(client, "request");
  const withOptions = behind<Client["withOptions"]>(client, "withOptions");
  clients.set(client, state);
  knowErrors(client.constructor);
  const ours = function (this: unknown, ...args: unknown[]): unknown {
    // What `guard` does, written out: no function is made for each call.
    let begun: Begun | undefined;
    try {
      begun = begin(client, state, args[0]);
    } catch (error) {
      report("openai.request", error);
    }
    let promise: unknown;
    try {
      promise = request.apply(this ?? client, args);
    } catch (error) {
      if (begun) begun.thrown = { error };
      return rethrown(error, begun);
    }
    try {
      return begun ? follow(promise, begun) : promise;
    } catch (error) {
      report("openai.follow", error);
      return promise;
    }
  };
  states.set(ours, state);
  state.replaced.replace(client, "request", ours);
  state.replaced.replace(client, "withOptions", function (this: unknown, ...args: unknown[]) {
    const copy = withOptions.apply(this ?? client, args);
    if (clients.get(client) === state) guard("openai.copy", () => instrument(copy as object, state.layer));
    return copy;
  });
  return true;
}

function stateOf(client: object): State | undefined {
  const { request } = client as { request?: unknown };
  return clients.get(client) ?? (typeof request === "function" ? states.get(request) : undefined);
}

export function uninstrument(client: object): boolean {
  const state = stateOf(client);
  if (!state) return false;
  clients.delete(state.client);
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
  /** The host wants to know what comes of it. */
  isAsked: boolean;
  isAnswered: boolean;
  /** What the host got, as long as it is not known whether it asks. */
  promise: AnswerPromise | undefined;
  /** What the SDK threw before it gave a promise. */
  thrown: { readonly error: unknown } | undefined;
}

const ignored = (): void => undefined;

/** The options may be a promise; ours is asked before the SDK's, so the call begins before anything is sent. */
function begin(client: Client, state: State, given: unknown): Begun {
  const begun: Begun = { call: undefined, endpoint: undefined, isAsked: false, isAnswered: false, promise: undefined, isParsed: false, thrown: undefined };
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
  if (begun.thrown) failed(begun.thrown.error, begun);
  // Nearly every host asks at once, which is before the options are there.
  if (begun.promise && !begun.isAsked && begun.call) watchUnasked(begun.promise, begun, begun.call);
  begun.promise = undefined;
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
function follow(given: unknown, begun: Begun): unknown {
  const promise = given as AnswerPromise;
  const { parse, asResponse, _thenUnwrap: derive } = promise;
  if (typeof parse !== "function" || typeof asResponse !== "function") return followOther(given, begun);
  let parsed: Promise<unknown> | undefined;
  // What `then`, `catch`, `finally` and `withResponse` go through.
  promise.parse = () => {
    begun.isParsed = true;
    asked(begun);
    return (parsed ??= parse.call(promise).then((result) => answered(result, begun), (error: unknown) => rethrown(error, begun)));
  };
  promise.asResponse = () => {
    asked(begun);
    return asResponse.call(promise).then((response) => handedOut(response, begun), (error: unknown) => rethrown(error, begun));
  };
  if (begun.call === undefined) begun.promise = promise;
  if (typeof derive !== "function") return promise;
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
  return promise;
}

function asked(begun: Begun): void {
  begun.isAsked = true;
  if (begun.call) begun.call.isAnswered = false;
}

/** A client whose own `request` gives what another promise resolves to: the host gets one like it. */
function followOther(given: unknown, begun: Begun): unknown {
  const { then } = (given ?? {}) as Partial<Promise<unknown>>;
  if (typeof then !== "function") return answered(given, begun);
  return then.call(given, (result) => answered(result, begun), (error: unknown) => rethrown(error, begun));
}

/** What is collected before anybody asked it is never asked. */
const unasked = new FinalizationRegistry<() => void>((tell) => guard("unasked", tell));

/**
 * The SDK sends what nobody asks for, too. The call has ended when the response is there and the promise is not; its body is not
 * read, for the SDK reads none. A rejection that the host handles is handled here, and one that it does not goes on.
 */
function watchUnasked(promise: AnswerPromise, begun: Begun, call: Call): void {
  let isDropped = false;
  unasked.register(promise, () => {
    isDropped = true;
    if (call.isAnswered && !begun.isAsked) call.left();
  });
  void promise.responsePromise?.then(() => {
    if (begun.isAsked) return;
    call.answered();
    if (isDropped) call.left();
  }, (error: unknown) => {
    if (!begun.isAsked) rethrown(error, begun);
  });
}

function handedOut(response: Response, begun: Begun): Response {
  const { call, endpoint } = begun;
  if (call && endpoint && !begun.isParsed) guard("openai.raw", () => watchResponse(response, call, endpoint, begun));
  return response;
}

function failed(error: unknown, { call }: Begun): void {
  guard("openai.error", () => (isAbort(error) ? call?.abort() : call?.fail(errorOf(error))));
}

function rethrown(error: unknown, begun: Begun | undefined): never {
  if (begun) failed(error, begun);
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
