// Record what goes through a service of aisbreaker-api-js: `process(request)`, and the events of its stream, which are passed on.
//
// Flow: host -> **filter**, or an instrumented service -> the service -> recorder.
// aisbreaker is in no registry: written against its documented shapes. `RecordingFilter` is a service like its own filters.
import type { CallOptions } from "../config.js";
import { guard } from "../guard.js";
import type { Image } from "../events/index.js";
import type { Fields } from "../platform.js";
import { type Call, layerOf, moment, startCall } from "../recorder.js";
import type { Shape } from "../shapes.js";
import { behind, Replaced, SILENT } from "./patching.js";
import { errorOf, isAbort, list, object, present, text } from "./reading.js";

export interface AIsServiceLike {
  readonly serviceProps?: unknown;
  process(request: never): Promise<unknown>;
}

type Process = (this: unknown, request: unknown, ...rest: unknown[]) => Promise<unknown>;
interface State {
  layer: CallOptions;
  readonly replaced: Replaced;
}

const services = new WeakMap<object, State>();

export function instrument(service: object, layer: CallOptions): boolean {
  const known = services.get(service);
  if (known) {
    known.layer = layer;
    return true;
  }
  const { process } = service as { process?: unknown };
  if (typeof process !== "function" || !("serviceProps" in service)) return false;
  const state: State = { layer, replaced: new Replaced() };
  services.set(service, state);
  state.replaced.replace(service, "process", processing(service, behind<Process>(service, "process"), () => state.layer));
  return true;
}

export function uninstrument(service: object): boolean {
  const state = services.get(service);
  if (!state) return false;
  services.delete(service);
  state.layer = SILENT;
  state.replaced.restore();
  return true;
}

/** A filter in front of another service: `new RecordingFilter({ serviceId, forward2Service }, auth)`. */
export class RecordingFilter<SERVICE extends AIsServiceLike> {
  readonly process: SERVICE["process"];

  constructor(readonly serviceProps: { readonly serviceId?: string; readonly forward2Service: SERVICE }, readonly auth?: unknown, options: CallOptions = {}) {
    const service = serviceProps.forward2Service;
    const layer = guard("aisbreaker.filter", () => layerOf(options)) ?? {};
    this.process = processing(service, service.process as unknown as Process, () => layer) as unknown as SERVICE["process"];
  }
}

function processing(service: object, process: Process, layer: () => CallOptions): Process {
  return function (request: unknown, ...rest: unknown[]) {
    const reading = guard("aisbreaker.process", () => begin(service, object(request), layer()));
    if (!reading) return process.call(service, request, ...rest);
    let final: Promise<unknown>;
    try {
      final = process.call(service, reading.watched(request), ...rest);
    } catch (error) {
      return reading.rethrow(error);
    }
    // A service of the host's own may be no async function.
    if (typeof final?.then !== "function") return reading.returned(final) as typeof final;
    return final.then(
      (found) => reading.returned(found),
      (error: unknown) => reading.rethrow(error),
    );
  };
}

// -- what is asked ----------------------------------------------------------------------------------------------------------

const inputs = (request: unknown): Fields[] => {
  const asked = object(request);
  return typeof asked["text"] === "string" ? [{ role: "user", content: asked["text"] }] : list(asked["inputs"]).map((input) => said(object(input)));
};

function said(input: Fields): Fields {
  const { role, content } = object(input["text"]);
  if (content !== undefined) return { role: role ?? "user", content };
  return { role: object(input["image"])["role"] ?? "user", content: [{ type: "image" }] };
}

const TEXT: Shape<"text"> = {
  activity: "text",
  started: (request) => ({ messages: inputs(request), messageCount: inputs(request).length, hasTools: false, ...options(request) }),
};
const IMAGE: Shape<"image"> = {
  activity: "image",
  started: (request) => ({ prompt: inputs(request).map(({ content }) => text(content) ?? "").join("\n"), ...options(request) }),
};

function options(request: unknown): { modelOptions?: Fields } {
  const { requested } = object(request);
  return requested ? { modelOptions: object(requested) } : {};
}

function begin(service: object, request: Fields, layer: CallOptions): Reading | undefined {
  const requested = object(request["requested"]);
  const { inputs: asked, text: single } = request;
  const shape = requested["image"] && !requested["text"] ? IMAGE : TEXT;
  const streaming = typeof request["streamProgressFunction"] === "function";
  const call = startCall<"text" | "image">(
    { shape, request: { inputs: asked, text: single, requested }, ...served(service), streaming }, moment(layer),
  );
  return call && new Reading(call as Call<"text"> | Call<"image">);
}

/** `task:vendor/engine`, or what a service in front of another one leads to. */
function served(service: object): { provider: string | undefined; model: string | undefined } {
  const props = object((service as Fields)["serviceProps"]);
  const forwarded = object(props["forward2ServiceProps"]);
  const id = text(forwarded["serviceId"]) ?? text(props["serviceId"]) ?? "";
  const [vendor, ...engine] = id.slice(id.indexOf(":") + 1).split("/");
  return { provider: vendor?.includes(".") ? vendor.split(".")[0] : "aisbreaker", model: engine.join("/") || undefined };
}

// -- what is answered -------------------------------------------------------------------------------------------------------

class Reading {
  private readonly images = new Map<number, Image>();

  constructor(private readonly call: Call<"text"> | Call<"image">) {}

  /** The request, its progress heard on the way to the host. A host that wants none gets none. */
  watched(request: unknown): unknown {
    const { streamProgressFunction: progress } = object(request);
    if (typeof progress !== "function") return request;
    const heard = (event: unknown, ...rest: unknown[]): unknown => {
      guard("aisbreaker.event", () => this.event(object(event)));
      return (progress as (...args: unknown[]) => unknown)(event, ...rest);
    };
    return { ...object(request), streamProgressFunction: heard };
  }

  private event(event: Fields): void {
    for (const output of list(event["outputs"]).map(object)) {
      const { index, content, isDelta } = object(output["text"]);
      const choice = typeof index === "number" ? index : 0;
      if (isDelta === true && typeof content === "string" && content) this.call.text(content, choice, `output-${choice}`);
      this.image(object(output["image"]));
    }
  }

  /** One that `isProcessing` is a sketch. */
  private image({ index, url, base64, isProcessing }: Fields): void {
    if (isProcessing === true || !(url || base64)) return;
    this.images.set(typeof index === "number" ? index : this.images.size, present({ url: text(url), b64Json: text(base64) }));
  }

  returned(final: unknown): unknown {
    guard("aisbreaker.final", () => {
      // Some services give an error back instead of throwing it.
      if (final instanceof Error) this.call.fail(errorOf(final));
      else this.complete(object(final));
    });
    return final;
  }

  rethrow(error: unknown): never {
    guard("aisbreaker.error", () => (isAbort(error) ? this.call.abort() : this.call.fail(errorOf(error))));
    throw error;
  }

  private complete(final: Fields): void {
    const outputs = list(final["outputs"]).map(object);
    for (const output of outputs) this.image(object(output["image"]));
    const texts = outputs.map((output) => text(object(output["text"])["content"])).filter((content) => content !== undefined);
    const usage = object(final["usage"]);
    const engine = object(usage["engine"] ?? usage["service"]);
    const images = [...this.images.entries()].sort(([a], [b]) => a - b).map(([, image]) => image);
    const answer = present({
      content: texts[0], choiceContents: texts.length > 1 ? texts : undefined,
      responseModel: text(engine["engineId"]) ?? text(engine["engine"]),
    });
    const pictured = { ...answer, images };
    if (this.call.activity === "image") (this.call as Call<"image">).complete(pictured);
    else (this.call as Call<"text">).complete(images.length ? pictured : answer);
  }
}
