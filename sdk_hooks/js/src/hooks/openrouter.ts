// Hook the OpenRouter SDK's client: its resources' methods, `callModel`, and what its functions send through the client.
//
// Flow: host -> client.chat.send(…) -> **the resource's method** -> recorder.
// What a method gives back is read, in the SDK's own objects; what was asked is taken from the resource's `_createRequest`, as it
// goes over the wire. Its own hooks see bytes, fire per attempt, and report success before a stream is read. Checked with 1.3.19.
import type { CallOptions } from "../config.js";
import { guard } from "../guard.js";
import type { Fields } from "../platform.js";
import { type Call, moment, type Moment, startCall } from "../recorder.js";
import { type Row, RESOURCES } from "./openrouter-endpoints.js";
import { holdClient } from "./openrouter-client.js";
import { wireAnswer, wireItem } from "./openrouter-items.js";
import { behind, Replaced, SILENT } from "./patching.js";
import { watchAudio } from "./raw.js";
import { watchReadable } from "./readable.js";
import { errorOf, isAbort, object, text } from "./reading.js";
import { StreamReading } from "./streams.js";

type Method = (request: unknown, options?: object, ...rest: unknown[]) => Promise<unknown>;
export interface Resource {
  _createRequest: (context: object, conf: Fields, options?: object, ...rest: unknown[]) => unknown;
  _do: (request: unknown, options: { context: object }, ...rest: unknown[]) => Promise<unknown>;
}

export interface State {
  layer: CallOptions;
  readonly replaced: Replaced;
}

const clients = new WeakMap<object, State>();

export function instrument(client: object, layer: CallOptions): boolean {
  const known = clients.get(client);
  if (known) {
    known.layer = layer;
    return true;
  }
  if (!isClient(client)) return false;
  const state: State = { layer, replaced: new Replaced() };
  clients.set(client, state);
  for (const [path, rows] of Object.entries(RESOURCES)) {
    const resource = path.split(".").reduce<unknown>((found, name) => object(found)[name], client) as Resource | undefined;
    // A version that has no such resource or method has nothing there to record.
    if (typeof resource?._createRequest === "function") holdResource(resource, rows, state);
  }
  holdClient(client, state);
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

function isClient(client: object): client is Resource {
  const found = client as Partial<Resource> & Fields;
  return typeof found._createRequest === "function" && typeof found._do === "function" && typeof found["callModel"] === "function" && "chat" in client;
}

function holdResource(resource: Resource, rows: Readonly<Record<string, Row>>, state: State): void {
  const sendings = new WeakMap<object, Sending>();
  const create = behind<Resource["_createRequest"]>(resource, "_createRequest");
  state.replaced.replace(resource, "_createRequest", function (this: unknown, ...args: Parameters<Resource["_createRequest"]>) {
    guard("openrouter.request", () => sendings.get(args[2] ?? resource)?.start(args[1]["body"]));
    return create.apply(resource, args);
  });
  for (const [name, row] of Object.entries(rows)) {
    if (typeof (resource as unknown as Record<string, unknown>)[name] !== "function") continue;
    const send = behind<Method>(resource, name);
    state.replaced.replace(resource, name, function (this: unknown, request: unknown, options?: object, ...rest: unknown[]) {
      const sending = guard("openrouter.send", () => new Sending(row, request, moment(state.layer)));
      if (!sending) return send.call(resource, request, options, ...rest);
      // By this object, which the SDK hands on, the request on the wire is known to be this method's.
      const known = copyOf(options);
      sendings.set(known, sending);
      return send.call(resource, request, known, ...rest).then(
        (result) => sending.returned(result),
        (error: unknown) => sending.rethrow(error),
      );
    });
  }
}

/** As the host gave it, with what it inherits. */
function copyOf(options: object | undefined): object {
  if (!options || Object.getPrototypeOf(options) === Object.prototype) return { ...options };
  return Object.create(Object.getPrototypeOf(options) as object | null, Object.getOwnPropertyDescriptors(options)) as object;
}

/** One run of a resource's method. */
class Sending {
  private call: Call | undefined;
  private isStarted = false;

  constructor(private readonly row: Row, private readonly request: unknown, private readonly at: Moment) {}

  start(body: unknown): void {
    if (this.isStarted) return;
    this.isStarted = true;
    const asked = this.asked();
    this.call = startCall(
      {
        shape: this.row.endpoint.shape, request: typeof body === "string" ? body : asked, provider: "openrouter",
        model: text(asked["model"]), streaming: asked["stream"] === true,
      },
      this.at,
    );
  }

  returned(result: unknown): unknown {
    guard("openrouter.answer", () => this.answered(result));
    return result;
  }

  rethrow(error: unknown): never {
    guard("openrouter.error", () => {
      // Refused before anything was sent: what was asked is known all the same.
      this.start(undefined);
      if (isAbort(error)) this.call?.abort();
      else this.call?.fail(errorOf(error));
    });
    throw error;
  }

  private answered(result: unknown): void {
    const { call, row } = this;
    if (!call) return;
    try {
      if (!(result instanceof ReadableStream)) row.endpoint.end(call, wireAnswer(result));
      else if (row.endpoint.bytes) watchAudio(result, call, row.endpoint, `audio/${text(this.asked()["responseFormat"]) ?? "mpeg"}`);
      else watchReadable(result, new StreamReading(row.endpoint.notes(call), wireItem));
    } catch (error) {
      // An answer that can't be read is still an answer: the call must end.
      call.completeUnread();
      throw error;
    }
  }

  private asked(): Fields {
    return object(this.row.body ? object(this.request)[this.row.body] : this.request);
  }
}
