// Runs of @openai/agents, and what its runner tells of them: tools, handoffs.
//
// Flow: Runner.run(agent, …) -> **run** -> recorder, as `agent:request:*`; whatever is called inside is its child.
import type { CallOptions } from "../config.js";
import { enter, followsAwaits, surroundings, within } from "../context.js";
import { guard, whisper } from "../guard.js";
import type { Fields } from "../platform.js";
import { type Call, moment, startCall } from "../recorder.js";
import type { Told } from "../shapes.js";
import { recordStep } from "../step.js";
import { startTool, type ToolRun } from "../toolrun.js";
import { outputOf, RUN } from "./agents-answers.js";
import type { Method } from "./agents-models.js";
import { errorOf, isAbort, list, object, text } from "./reading.js";

/** A recorded run: what happens inside it is recorded with its settings. */
export class Run {
  readonly tools = new Map<string, ToolRun>();

  constructor(readonly call: Call<"agent">, readonly layer: CallOptions) {}
}

export function currentRun(): Run | undefined {
  const { run } = surroundings();
  return run instanceof Run ? run : undefined;
}

/** `hold` sees to it that this runner's models are held. */
export function running(original: Method, layerOf: (runner: object) => CallOptions | undefined, hold: (runner: object) => void): Method {
  return function (this: object, ...args: unknown[]) {
    const run = guard("agents.run", () => begin(args, layerOf(this)));
    if (!run) return original.apply(this, args);
    guard("agents.hold", () => hold(this));
    let result: Promise<unknown>;
    try {
      result = within({ run, enclosing: run.call.asEnclosing() }, () => original.apply(this, args)) as typeof result;
    } catch (error) {
      // A runner of the host's own may be no async function.
      return rethrown(error, run);
    }
    if (typeof result?.then !== "function") return returned(result, run);
    return result.then((found) => returned(found, run), (error: unknown) => rethrown(error, run));
  };
}

function begin([agent, input]: unknown[], layer: CallOptions | undefined): Run | undefined {
  if (!layer) return undefined;
  const request: Fields = { agentName: text(object(agent)["name"]) ?? "agent" };
  // A resumed state is no input; what it holds was recorded when it came.
  if (typeof input === "string" || Array.isArray(input)) request["input"] = input;
  const call = startCall({ shape: RUN, request, provider: undefined, model: undefined }, moment(layer));
  sayWhatIsMissing();
  return call && new Run(call, layer);
}

let isSaid = false;

function sayWhatIsMissing(): void {
  if (isSaid || followsAwaits()) return;
  isSaid = true;
  whisper("no context follows an await here: model calls of @openai/agents are recorded apart from their runs, tools and handoffs are not");
}

function returned(result: unknown, run: Run): unknown {
  guard("agents.result", () => {
    const { completed } = object(result) as { completed?: Promise<void> };
    if (typeof completed?.then !== "function") ended(result, run);
    // A streamed run goes on whether or not its events are read; the SDK itself handles what this promise rejects with.
    else completed.then(() => ended(result, run), (error: unknown) => failed(error, run));
  });
  return result;
}

function ended(result: unknown, run: Run): void {
  guard("agents.end", () => {
    const found = object(result);
    verdicts(found, run);
    leftTools(run);
    if (found["cancelled"] === true) run.call.abort();
    else run.call.complete(outputOf(found));
  });
}

function failed(error: unknown, run: Run): void {
  guard("agents.error", () => {
    leftTools(run);
    if (isAbort(error)) run.call.abort();
    else run.call.fail(errorOf(error));
  });
}

function rethrown(error: unknown, run: Run): never {
  failed(error, run);
  throw error;
}

function leftTools(run: Run): void {
  for (const tool of run.tools.values()) tool.left();
  run.tools.clear();
}

function verdicts(result: Fields, run: Run): void {
  for (const verdict of [...list(result["inputGuardrailResults"]), ...list(result["outputGuardrailResults"])].map(object)) {
    const { tripwireTriggered, outputInfo } = object(verdict["output"]);
    const fields: Told<"guardrail:completed"> = { name: text(object(verdict["guardrail"])["name"]) ?? "", triggered: tripwireTriggered === true };
    if (outputInfo !== undefined && outputInfo !== null) fields.output = outputInfo;
    recordStep("guardrail:completed", fields, run.call.asEnclosing(), run.layer);
  }
}

// -- what the runner tells --------------------------------------------------------------------------------------------------

/** `hold` gets the agent whose turn begins, and its runner: its model is asked next. */
export function telling(original: Method, hold: (agent: object, runner: object) => void): Method {
  return function (this: object, ...args: unknown[]) {
    // Agents tell the same things again, each its own.
    if (typeof (this as Fields)["run"] === "function") guard("agents.told", () => heard(this, args, hold));
    return original.apply(this, args);
  };
}

function heard(runner: object, args: unknown[], hold: (agent: object, runner: object) => void): void {
  const run = currentRun();
  // Where no run is known any more, the model is still asked next.
  if (args[0] === "agent_start" && (run || !followsAwaits())) hold(object(args[2]), runner);
  else if (run) told(run, args);
}

function told(run: Run, [kind, , agent, subject, more, details]: unknown[]): void {
  if (kind === "agent_handoff") {
    const names = { fromAgent: text(object(agent)["name"]) ?? "", toAgent: text(object(subject)["name"]) ?? "" };
    recordStep("agent:handoff", names, run.call.asEnclosing(), run.layer);
  } else if (kind === "agent_tool_start") toolStarted(run, object(subject), object(object(more)["toolCall"]));
  else if (kind === "agent_tool_end") {
    const id = idOf(object(object(details)["toolCall"]));
    run.tools.get(id)?.complete(more);
    run.tools.delete(id);
  }
}

function toolStarted(run: Run, tool: Fields, toolCall: Fields): void {
  const id = idOf(toolCall);
  const given = readable(toolCall["arguments"]) ?? toolCall["action"] ?? toolCall["operation"];
  const started = startTool(text(tool["name"]) ?? text(tool["type"]) ?? "", given, id, run.layer, run.call.asEnclosing());
  if (!started) return;
  run.tools.set(id, started);
  // The runner calls the tool next, in this chain: what it calls itself is inside it.
  enter({ enclosing: started.asEnclosing() });
}

function idOf(toolCall: Fields): string {
  return text(toolCall["callId"]) ?? text(toolCall["id"]) ?? "";
}

function readable(given: unknown): unknown {
  if (typeof given !== "string") return undefined;
  try {
    return given ? JSON.parse(given) : {};
  } catch {
    return given;
  }
}
