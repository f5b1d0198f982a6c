// What openai was asked -> fields of `<activity>:request:started`. Pure, on a copy of the request.
import type { Fields } from "../platform.js";
import { list, object, present, text } from "./reading.js";

/** Request fields with a place of their own in the event; the others are `modelOptions`. */
const SAID_ELSEWHERE = new Set(
  "model messages input instructions prompt stream tools file image mask n size".split(" "),
);

export function startedChat(request: unknown): Fields {
  const asked = object(request);
  return textFields(asked, "messages" in asked ? list(asked["messages"]) : prompts(asked["prompt"]));
}

export function startedResponse(request: unknown): Fields {
  const asked = object(request);
  const fields = { ...textFields(asked, prompts(asked["input"])), api: "responses" };
  return typeof asked["instructions"] === "string" ? { ...fields, systemPrompts: [asked["instructions"]] } : fields;
}

function textFields(asked: Fields, messages: unknown[]): Fields {
  const tools = list(asked["tools"]);
  const fields: Fields = { messages, messageCount: messages.length, hasTools: tools.length > 0 };
  if (tools.length) {
    fields["toolNames"] = tools.map(toolName).filter((name) => name !== undefined);
    fields["options"] = { tools };
  }
  return { ...fields, ...options(asked) };
}

/** Chat nests it under `function` or `custom`, Responses has it flat; a hosted tool is known by its type. */
function toolName(tool: unknown): string | undefined {
  const known = object(tool);
  return text(object(known["function"] ?? known["custom"])["name"]) ?? text(known["name"]) ?? text(known["type"]);
}

export function startedImage(request: unknown): Fields {
  const asked = object(request);
  return present({
    prompt: text(asked["prompt"]) ?? "",
    numberOfImages: typeof asked["n"] === "number" ? asked["n"] : undefined,
    size: text(asked["size"]),
    ...options(asked),
  });
}

export function startedEmbedding(request: unknown): Fields {
  const asked = object(request);
  const given = list(asked["input"]);
  // A list of numbers is one text as tokens, not many inputs.
  const count = Array.isArray(asked["input"]) && typeof given[0] !== "number" ? given.length : 1;
  return present({
    inputCount: count, textInputCount: count, imageInputCount: 0,
    dimensions: typeof asked["dimensions"] === "number" ? asked["dimensions"] : undefined,
    ...options(asked),
  });
}

export function startedSpeech(request: unknown): Fields {
  const asked = object(request);
  const voice = asked["voice"];
  return present({
    text: text(asked["input"]) ?? "",
    voice: typeof voice === "string" ? voice : text(object(voice)["id"]),
    format: asked["response_format"], speed: asked["speed"],
  });
}

export function startedTranscription(request: unknown): Fields {
  const asked = object(request);
  const { language, response_format, prompt, ...rest } = asked;
  return present({ language, prompt: text(prompt), responseFormat: response_format, ...options(rest) });
}

export function startedModeration(request: unknown): Fields {
  const given = object(request)["input"];
  return { inputCount: Array.isArray(given) ? given.length : 1 };
}

function prompts(value: unknown): unknown[] {
  if (typeof value === "string") return [{ role: "user", content: value }];
  return list(value).map((item) => (typeof item === "string" ? { role: "user", content: item } : item));
}

function options(asked: Fields): Fields {
  const left = Object.entries(asked).filter(([name]) => !SAID_ELSEWHERE.has(name));
  return left.length ? { modelOptions: Object.fromEntries(left) } : {};
}
