// What the OpenRouter client sends by itself: `callModel`, and the SDK's functions that are given a client.
//
// Flow: client.callModel(…) -> responses, one a turn -> **client._createRequest, client._do** -> recorder.
// Seen as they go over the wire: `callModel` reads a stream to its end itself, whatever the host takes of it. Its turns share a
// trace, and the tools that it runs belong to the turn that asked for them.
import { type Enclosing, within } from "../context.js";
import { guard } from "../guard.js";
import type { Fields } from "../platform.js";
import { type Call, moment, type Moment, startCall } from "../recorder.js";
import { startTool, type ToolRun } from "../toolrun.js";
import { providerError } from "./openai-answers.js";
import type { Endpoint } from "./openai-endpoints.js";
import type { Resource, State } from "./openrouter.js";
import { WIRE } from "./openrouter-endpoints.js";
import { behind } from "./patching.js";
import { watchResponse } from "./raw.js";
import { errorOf, isAbort, list, object, text } from "./reading.js";

/** One `callModel`: what its turns have in common. */
class Turns {
  rootRequestId: string | undefined;
  last: Enclosing | undefined;

  constructor(readonly at: Moment) {}
}

const turnsOf = new WeakMap<object, Turns>();
/** The SDK stops asking a tool's generator that gives what it does not want, and does not tell it. */
const dropped = new FinalizationRegistry<ToolRun>((run) => guard("dropped", () => run.left()));

interface Beginning {
  readonly endpoint: Endpoint;
  readonly body: string;
  readonly turns: Turns | undefined;
}

export function holdClient(client: Resource, state: State): void {
  const beginnings = new WeakMap<object, Beginning>();
  const create = behind<Resource["_createRequest"]>(client, "_createRequest");
  const send = behind<Resource["_do"]>(client, "_do");
  state.replaced.replace(client, "_createRequest", (...args: Parameters<Resource["_createRequest"]>) => {
    guard("openrouter.request", () => {
      const [context, conf, options] = args;
      const endpoint = WIRE[(text(conf["path"]) ?? "").replace(/^\/*/, "/")];
      if (endpoint && conf["method"] === "POST" && typeof conf["body"] === "string") {
        beginnings.set(context, { endpoint, body: conf["body"], turns: options && turnsOf.get(options) });
      }
    });
    return create.apply(client, args);
  });
  state.replaced.replace(client, "_do", (...args: Parameters<Resource["_do"]>) => {
    const beginning = beginnings.get(args[1]?.context);
    const call = beginning && guard("openrouter.send", () => begin(beginning, state));
    const sent = send.apply(client, args);
    if (!call || !beginning) return sent;
    return sent.then((result) => {
      guard("openrouter.answer", () => answered(object(result), call, beginning.endpoint));
      return result;
    }, (error: unknown) => {
      guard("openrouter.error", () => call.fail(errorOf(error)));
      throw error;
    });
  });
  holdCallModel(client as unknown as Record<"callModel", CallModel>, state);
}

function begin({ endpoint, body, turns }: Beginning, state: State): Call | undefined {
  const at = turns ? { ...turns.at, startedMs: performance.now(), startedWallMs: Date.now() } : moment(state.layer);
  const rootRequestId = turns?.rootRequestId;
  const call = startCall({ shape: endpoint.shape, request: body, provider: "openrouter", rootRequestId }, at);
  if (turns && call) {
    turns.last = call.asEnclosing();
    turns.rootRequestId ??= turns.last.rootRequestId;
  }
  return call;
}

/** The SDK's result: a response, or the error that the host will get. */
function answered(result: Fields, call: Call, endpoint: Endpoint): void {
  const { error, value } = result;
  if (!(value instanceof Response)) {
    if (isAbort(error)) call.abort();
    else call.fail(errorOf(error));
  } else if (value.ok) watchResponse(value, call, endpoint, { isParsed: false });
  else watchResponse(value, call, { ...endpoint, end: (refused, body) => refused.fail(refusal(value.status, body)), bytes: undefined }, { isParsed: false });
}

function refusal(status: number, body: unknown): { name: string; message: string } {
  return { ...providerError(object(body)["error"]), name: String(status) };
}

// -- callModel --------------------------------------------------------------------------------------------------------------

type CallModel = (request: unknown, options?: object, ...rest: unknown[]) => unknown;
interface WithOptions {
  readonly options?: { options?: object };
}

function holdCallModel(client: Record<"callModel", CallModel>, state: State): void {
  const callModel = behind<CallModel>(client, "callModel");
  state.replaced.replace(client, "callModel", (request: unknown, options?: object, ...rest: unknown[]) => {
    const turns = guard("openrouter.turns", () => new Turns(moment(state.layer)));
    const asked = turns ? (guard("openrouter.tools", () => withTools(request, turns, state)) ?? request) : request;
    const result = callModel.call(client, asked, options, ...rest);
    // The options that it sends each turn with are its own copy.
    const own = (result as WithOptions | undefined)?.options?.options;
    if (turns && own) turnsOf.set(own, turns);
    return result;
  });
}

/** The host's tools are its own: copies of them are run. */
function withTools(request: unknown, turns: Turns, state: State): unknown {
  const tools = list(object(request)["tools"]);
  if (!tools.length) return request;
  return { ...object(request), tools: tools.map((tool) => watchedTool(tool, turns, state)) };
}

function watchedTool(tool: unknown, turns: Turns, state: State): unknown {
  const { execute, ...rest } = object(object(tool)["function"]);
  if (typeof execute !== "function") return tool;
  const name = text(rest["name"]) ?? "";
  return {
    ...object(tool),
    function: {
      ...rest,
      execute(this: unknown, ...args: unknown[]): unknown {
        const run = guard("openrouter.tool", () => startTool(name, args[0], undefined, state.layer, turns.last));
        if (!run) return execute.apply(this, args);
        try {
          return followed(within({ enclosing: run.asEnclosing() }, () => execute.apply(this, args)), run);
        } catch (error) {
          return failed(error, run);
        }
      },
    },
  };
}

/** A tool gives a value, a promise of one, or a generator whose last value counts. */
function followed(result: unknown, run: ToolRun): unknown {
  if (typeof (result as PromiseLike<unknown> | undefined)?.then === "function") {
    return (result as Promise<unknown>).then((value) => completed(value, run), (error: unknown) => failed(error, run));
  }
  const { next } = object(result) as Partial<AsyncIterator<unknown>>;
  if (typeof next !== "function" || !(Symbol.asyncIterator in object(result))) {
    return completed(result, run);
  }
  const items = result as AsyncIterator<unknown>;
  const { return: leave } = items;
  let last: unknown;
  dropped.register(items, run);
  if (leave) {
    items.return = (...args) => {
      guard("openrouter.tool", () => run.left());
      return leave.apply(items, args);
    };
  }
  items.next = (...args: [] | [unknown]) =>
    within({ enclosing: run.asEnclosing() }, () => next.apply(items, args as [])).then((item) => {
      if (item.done) completed(item.value ?? last, run);
      else last = item.value;
      return item;
    }, (error: unknown) => failed(error, run));
  return result;
}

function completed<T>(value: T, run: ToolRun): T {
  guard("openrouter.tool", () => run.complete(value));
  return value;
}

function failed(error: unknown, run: ToolRun): never {
  guard("openrouter.tool", () => run.fail(errorOf(error)));
  throw error;
}
