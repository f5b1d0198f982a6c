// What openai was asked -> fields of `<activity>:request:started`. Pure, on a copy of the request.
import type { Fields } from "../platform.js";
import type { Started } from "../shapes.js";
import { isPlain, list, number, object, present, text } from "./reading.js";

/** Request fields with a place of their own in the event; the others are `modelOptions`. */
const SAID_ELSEWHERE = new Set(
  "model messages input instructions prompt stream tools file image mask n size".split(" "),
);

export function startedChat(request: unknown): Started<"text"> {
  const asked = object(request);
  return textFields(asked, prompts("messages" in asked ? asked["messages"] : asked["prompt"]));
}

export function startedResponse(request: unknown): Started<"text"> & { api: "responses" } {
  const asked = object(request);
  const fields: Started<"text"> & { api: "responses" } = { ...textFields(asked, prompts(asked["input"])), api: "responses" };
  return typeof asked["instructions"] === "string" ? { ...fields, systemPrompts: [asked["instructions"]] } : fields;
}

function textFields(asked: Fields, messages: Fields[]): Started<"text"> {
  const tools = list(asked["tools"]);
  const fields: Started<"text"> = { messages, messageCount: messages.length, hasTools: tools.length > 0 };
  if (tools.length) {
    fields.toolNames = tools.map(toolName).filter((name) => name !== undefined);
    fields.options = { tools };
  }
  return { ...fields, ...options(asked) };
}

/** Chat nests it under `function` or `custom`, Responses has it flat; a hosted tool is known by its type. */
function toolName(tool: unknown): string | undefined {
  const known = object(tool);
  return text(object(known["function"] ?? known["custom"])["name"]) ?? text(known["name"]) ?? text(known["type"]);
}

export function startedImage(request: unknown): Started<"image"> {
  const asked = object(request);
  return present({
    prompt: text(asked["prompt"]) ?? "",
    numberOfImages: number(asked["n"]),
    size: text(asked["size"]),
    ...options(asked),
  });
}

export function startedEmbedding(request: unknown): Started<"embedding"> {
  const asked = object(request);
  const given = list(asked["input"]);
  // A list of numbers is one text as tokens, not many inputs.
  const count = Array.isArray(asked["input"]) && typeof given[0] !== "number" ? given.length : 1;
  return present({
    inputCount: count, textInputCount: count, imageInputCount: 0,
    dimensions: number(asked["dimensions"]),
    ...options(asked),
  });
}

export function startedSpeech(request: unknown): Started<"speech"> {
  const asked = object(request);
  const voice = asked["voice"];
  return present({
    text: text(asked["input"]) ?? "",
    voice: typeof voice === "string" ? voice : text(object(voice)["id"]),
    format: text(asked["response_format"]), speed: number(asked["speed"]),
  });
}

export function startedTranscription(request: unknown): Started<"transcription"> {
  const asked = object(request);
  const { language, response_format, prompt, ...rest } = asked;
  return present({ language: text(language), prompt: text(prompt), responseFormat: text(response_format), ...options(rest) });
}

export function startedModeration(request: unknown): Started<"moderation"> {
  const given = object(request)["input"];
  return { inputCount: Array.isArray(given) ? given.length : 1 };
}

/** Messages as they are; a text, or one given as a list of tokens, is the user's. */
function prompts(value: unknown): Fields[] {
  if (typeof value === "string" || typeof list(value)[0] === "number") return [{ role: "user", content: value }];
  return list(value).map((item) => (isPlain(item) ? item : { role: "user", content: item }));
}

function options(asked: Fields): { modelOptions?: Fields } {
  const left = Object.entries(asked).filter(([name]) => !SAID_ELSEWHERE.has(name));
  return left.length ? { modelOptions: Object.fromEntries(left) } : {};
}
