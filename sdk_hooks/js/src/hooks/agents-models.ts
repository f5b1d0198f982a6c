// Model calls: `getResponse` and `getStreamedResponse`, of whatever class the runner's models are.
//
// Flow: runner -> **model** -> recorder, as `text:request:*`. The client underneath is silent meanwhile, so nothing counts twice.
import type { CallOptions } from "../config.js";
import { silently } from "../context.js";
import { guard } from "../guard.js";
import type { Fields } from "../platform.js";
import { type Call, moment, startCall } from "../recorder.js";
import type { Answered } from "../shapes.js";
import { MODEL_CALL, modelAnswer, requestOf } from "./agents-answers.js";
import { providerOf } from "./openai.js";
import { ChatNotes, Notes, ResponseNotes } from "./openai-notes.js";
import { errorOf, isAbort, object, text } from "./reading.js";
import { watchIterable } from "./streams.js";

export type Method = (this: object, ...args: unknown[]) => unknown;
export type LayerOf = (model: object) => CallOptions | undefined;

/** Names that a provider gave its models for. */
const names = new WeakMap<object, string>();

export function named(model: object, name: unknown): void {
  if (typeof name === "string" && name) names.set(model, name);
}

export function whole(original: Method, layerOf: LayerOf): Method {
  return function (this: object, ...args: unknown[]) {
    const call = guard("agents.model", () => begin(this, object(args[0]), layerOf, false));
    if (!call) return original.apply(this, args);
    const asked = attempt(() => silently(() => original.apply(this, args)), call) as Promise<unknown>;
    if (typeof asked?.then !== "function") return completed(asked, call);
    return asked.then((response) => completed(response, call), (error: unknown) => rethrown(error, call));
  };
}

export function streamed(original: Method, layerOf: LayerOf): Method {
  return function (this: object, ...args: unknown[]) {
    const call = guard("agents.model", () => begin(this, object(args[0]), layerOf, true));
    if (!call) return original.apply(this, args);
    const stream = attempt(() => silently(() => original.apply(this, args)), call) as AsyncIterable<unknown>;
    const isWatched = guard("agents.stream", () => {
      watchIterable(stream, new AgentNotes(call, object(args[0])["signal"]), silently);
      return true;
    });
    if (!isWatched) call.completeUnread();
    return stream;
  };
}

function begin(model: object, request: Fields, layerOf: LayerOf, streaming: boolean): Call<"text"> | undefined {
  const layer = layerOf(model);
  if (!layer) return undefined;
  const { _model, model: own, _client } = model as Fields;
  const name = text(_model) ?? text(own) ?? names.get(model);
  return startCall({ shape: MODEL_CALL, request: requestOf(request), provider: vendor(_client, name), model: name, streaming }, moment(layer));
}

/** Who answers: told by the client underneath, or by the first part of a name like `anthropic/claude-sonnet-4-5`. */
function vendor(client: unknown, name: string | undefined): string | undefined {
  if (client && typeof client === "object" && "baseURL" in client) return providerOf(client);
  const [first, second] = (name ?? "").split("/");
  return second ? first : undefined;
}

function attempt(run: () => unknown, call: Call): unknown {
  try {
    return run();
  } catch (error) {
    return rethrown(error, call);
  }
}

function completed<T>(response: T, call: Call<"text">): T {
  guard("agents.answer", () => {
    try {
      call.complete(modelAnswer(response));
    } finally {
      // An answer that can't be read is still an answer: the call must end.
      call.completeUnread();
    }
  });
  return response;
}

function rethrown(error: unknown, call: Call): never {
  guard("agents.error", () => (isAbort(error) ? call.abort() : call.fail(errorOf(error))));
  throw error;
}

/** The SDK's own events: text as it comes, and `response_done`. Between them most models hand on their provider's. */
class AgentNotes extends Notes<"text"> {
  private raw: ChatNotes | ResponseNotes | undefined;
  private done: Answered<"text"> | undefined;

  constructor(call: Call<"text">, private readonly signal: unknown) {
    super(call);
  }

  item(event: Fields): void {
    const kind = event["type"];
    if (kind === "model") this.provider(object(event["event"]));
    else if (kind === "response_done") this.done = modelAnswer(event["response"]);
    // Where the provider's own events are handed on, the text has come with them.
    else if (kind === "output_text_delta" && !this.raw) this.call.text(text(event["delta"]) ?? "", 0, text(event["itemId"]));
  }

  private provider(event: Fields): void {
    if (text(event["type"])?.startsWith("response.")) this.raw ??= new ResponseNotes(this.call);
    else if (Array.isArray(event["choices"])) this.raw ??= new ChatNotes(this.call);
    this.raw?.item(event);
  }

  answer(): Answered<"text"> {
    const told = this.raw?.answer() ?? {};
    const { content, toolCalls, ...done } = this.done ?? {};
    // With its pieces there, text and tools are those.
    return this.raw ? { ...done, ...told } : { ...done, ...(content ? { content } : {}), ...(toolCalls ? { toolCalls } : {}) };
  }

  ended(): void {
    // A model whose client is told to stop ends its stream without a word.
    if (!this.done && this.signal instanceof AbortSignal && this.signal.aborted) this.call.abort(this.answer());
    else this.call.complete(this.answer());
  }

  left(isKnown = true): void {
    if (this.done) this.ended();
    else if (isKnown) this.call.abort(this.answer());
    else this.call.left();
  }
}
