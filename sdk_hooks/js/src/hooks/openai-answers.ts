// What openai answered -> fields of a terminal event. Strings and numbers are taken, the SDK's object is let go. Pure.
import type { Image, TokenUsage, ToolCall } from "../events/index.js";
import type { Fields } from "../platform.js";
import type { Answered } from "../shapes.js";
import { take } from "../snapshot.js";
import { camel, list, object, present, text } from "./reading.js";

type Totals = "promptTokens" | "completionTokens" | "totalTokens" | "cost";
type Details = "promptTokensDetails" | "completionTokensDetails";
const TOTALS: Record<string, Totals> = {
  prompt_tokens: "promptTokens", input_tokens: "promptTokens",
  completion_tokens: "completionTokens", output_tokens: "completionTokens",
  total_tokens: "totalTokens", cost: "cost",
};
const DETAILS: Record<string, Details> = {
  prompt_tokens_details: "promptTokensDetails", input_tokens_details: "promptTokensDetails",
  input_token_details: "promptTokensDetails", completion_tokens_details: "completionTokensDetails",
  output_tokens_details: "completionTokensDetails", output_token_details: "completionTokensDetails",
};

/** A provider's usage under TanStack's names; what has no name there is kept in `providerUsageDetails`. */
export function usageFields(usage: unknown): { usage?: TokenUsage } {
  const counted = object(usage);
  const told: TokenUsage = {};
  let other: Fields | undefined;
  let isTold = false;
  for (const name of Object.keys(counted)) {
    const value = counted[name];
    if (value === null || value === undefined) continue;
    const total = TOTALS[name];
    const detail = DETAILS[name];
    if (total && typeof value === "number") told[total] = value;
    else if (detail && typeof value === "object") told[detail] = camelCounts(value as Fields);
    else (other ??= {})[name] = take(value).value;
    isTold = true;
  }
  if (other) told.providerUsageDetails = other;
  return isTold ? { usage: told } : {};
}

function camelCounts(counts: Fields): Fields {
  const told: Fields = {};
  for (const name of Object.keys(counts)) {
    const count = counts[name];
    if (count !== null && count !== undefined) told[camel(name)] = count;
  }
  return told;
}

interface KeptChoice {
  readonly finish_reason: unknown;
  readonly text: unknown;
  readonly error: unknown;
  readonly message: Fields;
}

/** What is told of a completion: copied at once, since the host may change its own, and read by `chatAnswer` when there is time. */
export function keptChat(completion: Fields): Fields & { readonly failed: KeptChoice | undefined } {
  const { model, id, usage } = completion;
  const choices: KeptChoice[] = [];
  let failed: KeptChoice | undefined;
  for (const given of list(completion["choices"])) {
    const choice = keptChoice(given);
    choices.push(choice);
    if (choice.finish_reason === "error") failed ??= choice;
  }
  return { model, id, choices, usage: take(usage).value, failed };
}

function keptChoice(given: unknown): KeptChoice {
  const choice = object(given);
  const { content, refusal, tool_calls: calls } = object(choice["message"]);
  const { finish_reason, text: said, error } = choice;
  return { finish_reason, text: said, error, message: { content, refusal, tool_calls: calls && take(calls).value } };
}

/** A chat completion, or an older text completion, whose choices have `text`. */
export function chatAnswer(completion: Fields): Answered<"text"> {
  const texts: string[] = [];
  const calls: ToolCall[] = [];
  const reasons: (string | undefined)[] = [];
  for (const given of list(completion["choices"])) {
    const choice = object(given);
    const message = object(choice["message"]);
    texts.push(text(message["content"]) || text(message["refusal"]) || text(choice["text"]) || "");
    reasons.push(text(choice["finish_reason"]));
    for (const call of list(message["tool_calls"])) calls.push(toolCall(object(call)));
  }
  const answer: Answered<"text"> & { choiceContents?: string[] } = { content: texts[0] ?? "" };
  const { model, id } = completion;
  if (typeof model === "string") answer.responseModel = model;
  if (typeof id === "string") answer.responseId = id;
  if (texts.length > 1) answer.choiceContents = texts;
  if (calls.length) answer.toolCalls = calls;
  return Object.assign(answer, finishFields(reasons), usageFields(completion["usage"]));
}

function toolCall({ id, function: called, custom }: Fields): ToolCall {
  const { name, arguments: said, input } = object(called ?? custom);
  return madeCall(id, called ? "function" : "custom", name, called ? said : input);
}

/** A provider may leave out anything. */
export function madeCall(id: unknown, type: "function" | "custom", name: unknown, said: unknown): ToolCall {
  return { id: text(id) ?? "", type, function: { name: text(name) ?? "", arguments: text(said) ?? "" } };
}

/** `finishReason` is choice 0's; the list only where there are several. */
export function finishFields(reasons: (string | undefined)[]): Pick<Answered<"text">, "finishReason" | "finishReasons"> {
  return present({ finishReason: reasons[0], finishReasons: reasons.length > 1 ? reasons.map((reason) => reason ?? "") : undefined });
}

/** An image that a response made: a call of its own. */
export interface MadeImage {
  readonly itemId: string;
  readonly status: string | undefined;
  readonly answer: Answered<"image">;
}

/** As `keptChat`, for `responseAnswer`. */
export function keptResponse({ model, id, status, incomplete_details, output, usage }: Fields): Fields {
  return { model, id, status, incomplete_details: take(incomplete_details).value, output: list(output).map(keptItem), usage: take(usage).value };
}

function keptItem(given: unknown): Fields {
  const { type, content, call_id, name, arguments: said, input } = object(given);
  return { type, content: type === "message" ? list(content).map(keptPart) : undefined, call_id, name, arguments: said, input };
}

function keptPart(given: unknown): Fields {
  const { text: said, refusal } = object(given);
  return { text: said, refusal };
}

export function madeImages(response: Fields): MadeImage[] {
  return list(response["output"]).map(object).filter((item) => item["type"] === "image_generation_call").map(madeImage);
}

/** A response's text and tools. */
export function responseAnswer(response: Fields): Answered<"text"> {
  const texts: string[] = [];
  const calls: ToolCall[] = [];
  for (const item of list(response["output"]).map(object)) {
    if (item["type"] === "message") {
      for (const part of list(item["content"]).map(object)) texts.push(text(part["text"]) || text(part["refusal"]) || "");
    } else if (item["type"] === "function_call") {
      calls.push(madeCall(item["call_id"], "function", item["name"], item["arguments"]));
    } else if (item["type"] === "custom_tool_call") {
      calls.push(madeCall(item["call_id"], "custom", item["name"], item["input"]));
    }
  }
  return present({
    responseModel: text(response["model"]), responseId: text(response["id"]), content: texts.join(""),
    toolCalls: calls.length ? calls : undefined,
    finishReason: responseFinish(response, calls.length > 0),
    ...usageFields(response["usage"]),
  });
}

export function madeImage(item: Fields): MadeImage {
  const image: Image = present({ b64Json: text(item["result"]), revisedPrompt: item["revised_prompt"] });
  const answer = { images: item["result"] ? [image] : [], ...usageFields(item["usage"]) };
  return { itemId: String(item["id"]), status: text(item["status"]), answer };
}

const INCOMPLETE: Record<string, string> = { max_output_tokens: "length", content_filter: "content_filter" };

/** A response has a status where a chat has a finish reason; told in the chat's words. */
export function responseFinish(response: Fields, hasCalls: boolean): string | undefined {
  if (response["status"] === "completed") return hasCalls ? "tool_calls" : "stop";
  const reason = text(object(response["incomplete_details"])["reason"]);
  return response["status"] === "incomplete" && reason ? (INCOMPLETE[reason] ?? reason) : undefined;
}

/** Name and message of an error that came inside an answer. */
export function providerError(error: unknown): { name: string; message: string } {
  const { code, message } = object(error);
  return { name: String(code || "provider_error"), message: String(message || "the provider ended the answer with an error") };
}

export function imagesAnswer(response: Fields): Answered<"image"> {
  const images: Image[] = list(response["data"]).map(object).map((image) =>
    present({ url: text(image["url"]), b64Json: text(image["b64_json"]), revisedPrompt: image["revised_prompt"] }),
  );
  return { images, ...usageFields(response["usage"]) };
}

export function embeddingsAnswer(response: Fields): Answered<"embedding"> {
  const data = list(response["data"]);
  const first = object(data[0])["embedding"];
  // Base64 is of four-byte floats, where the host asked for it.
  const dimensions = typeof first === "string" ? Math.floor((first.replace(/=+$/, "").length * 3) / 16) : (first as unknown[] | undefined)?.length;
  return present({ responseModel: text(response["model"]), embeddingCount: data.length, dimensions, ...usageFields(response["usage"]) });
}

const MAX_AUDIO_BYTES = 4 * 1024 * 1024;

export function speechAnswer(content: Uint8Array | undefined, length: number, contentType: string): Answered<"speech"> {
  const kind = (contentType.split(";")[0] ?? "").trim();
  const format = kind === "audio/mpeg" ? "mp3" : kind.slice(kind.indexOf("/") + 1);
  if (!content || length > MAX_AUDIO_BYTES) return { contentType, format, audio: "", truncated: { audio: length } };
  return { contentType, format, audio: base64(content) };
}

function base64(content: Uint8Array): string {
  let text = "";
  for (let at = 0; at < content.length; at += 0x8000) text += String.fromCharCode(...content.subarray(at, at + 0x8000));
  return btoa(text);
}

export function transcriptionAnswer(result: unknown): Answered<"transcription"> {
  if (typeof result === "string") return { text: result };
  const found = object(result);
  return present({ text: text(found["text"]) ?? "", language: text(found["language"]), ...usageFields(found["usage"]) });
}

export function moderationAnswer(response: Fields): Answered<"moderation"> {
  const results = list(response["results"]).map(object);
  const names = new Set(
    results.flatMap((result) => Object.entries(object(result["categories"])).filter(([, isHit]) => isHit === true).map(([name]) => name)),
  );
  return present({
    responseModel: text(response["model"]), responseId: text(response["id"]),
    flagged: results.some((result) => result["flagged"] === true), categories: [...names].sort(),
  });
}
