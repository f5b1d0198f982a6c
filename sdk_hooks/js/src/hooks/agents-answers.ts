// What a model was asked through @openai/agents and what it answered, as fields of events. Pure.
import type { TokenUsage, ToolCall } from "../events/index.js";
import type { Fields } from "../platform.js";
import type { Answered, Shape, Started } from "../shapes.js";
import { madeCall, responseFinish, usageFields } from "./openai-answers.js";
import { startedResponse } from "./openai-requests.js";
import { list, object, present, snake, text } from "./reading.js";

/** What is told of the model settings. Extra headers and bodies may hold keys and are not. */
const SETTINGS = (
  "temperature topP frequencyPenalty presencePenalty toolChoice parallelToolCalls truncation maxTokens store reasoning text"
).split(" ");
const COUNTS = "inputTokens outputTokens totalTokens inputTokensDetails outputTokensDetails".split(" ");

function started(request: unknown): Started<"text"> {
  // It is the SDK's language, not necessarily what goes over the wire.
  const { api: _, ...fields } = startedResponse(request);
  return fields;
}

export const MODEL_CALL: Shape<"text"> = { activity: "text", started };

export const RUN: Shape<"agent"> = {
  activity: "agent",
  started: (request) => {
    const { agentName, input } = object(request);
    return { agentName: text(agentName) ?? "agent", ...(input === undefined ? {} : { input }) };
  },
};

/** A ModelRequest -> a Responses request, for the snapshot. */
export function requestOf(asked: Fields): Fields {
  const settings = object(asked["modelSettings"]);
  const told = Object.fromEntries(SETTINGS.filter((name) => settings[name] !== undefined).map((name) => [name, settings[name]]));
  const tools = [...list(asked["tools"]).map(toolOf), ...list(asked["handoffs"]).map(handoffOf)];
  return present({
    ...object(snake(told)), input: asked["input"], instructions: asked["systemInstructions"],
    previous_response_id: asked["previousResponseId"], conversation_id: asked["conversationId"], tools: tools.length ? tools : undefined,
  });
}

function toolOf(tool: unknown): Fields {
  const { type, name, description, parameters } = object(tool);
  return present(type === "function" ? { type, name, description, parameters } : { type: name ?? type, name });
}

function handoffOf(handoff: unknown): Fields {
  const { toolName, toolDescription, inputJsonSchema } = object(handoff);
  return present({ type: "function", name: toolName, description: toolDescription, parameters: inputJsonSchema });
}

/** A ModelResponse, or the response of `response_done`. */
export function modelAnswer(given: unknown): Answered<"text"> {
  const response = object(given);
  const provider = object(response["providerData"]);
  const texts: string[] = [];
  const calls: ToolCall[] = [];
  const images: Fields[] = [];
  for (const item of list(response["output"]).map(object)) {
    if (item["type"] === "function_call") {
      calls.push(madeCall(item["callId"], "function", item["name"], item["arguments"]));
    } else if (item["role"] === "assistant") {
      for (const part of list(item["content"]).map(object)) {
        texts.push(text(part["text"]) ?? text(part["refusal"]) ?? text(part["transcript"]) ?? "");
        if (part["type"] === "image" && typeof part["image"] === "string") images.push({ url: part["image"] });
      }
    }
  }
  return present({
    responseModel: text(provider["model"]), responseId: text(response["id"]) ?? text(response["responseId"]), content: texts.join(""),
    toolCalls: calls.length ? calls : undefined, images: images.length ? images : undefined,
    finishReason: responseFinish(provider, calls.length > 0), ...usageOf(response["usage"]),
  });
}

/** The SDK fills in zeros where a provider told no usage: then it is missing, for nothing costs no tokens at all. */
function usageOf(given: unknown): { usage?: TokenUsage } {
  const usage = object(given);
  if (!usage["inputTokens"] && !usage["outputTokens"] && !usage["totalTokens"]) return {};
  const counted = COUNTS.map((name): [string, unknown] => {
    const value = usage[name];
    return [name, Array.isArray(value) ? Object.assign({}, ...value.map(object)) : value];
  });
  return usageFields(snake(Object.fromEntries(counted)));
}

/** What a run gave: objects of the SDK are not taken apart. */
export function outputOf(result: Fields): Answered<"agent"> {
  // The getter complains in the log where there is none.
  if (list(result["interruptions"]).length) return {};
  const output = result["finalOutput"];
  return output === undefined || output === null ? {} : { output };
}
