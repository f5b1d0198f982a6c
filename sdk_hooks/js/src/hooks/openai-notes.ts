// What is noted of a stream, item by item, for its call: chunks as they come, and the answer at its end.
import type { Image, TokenUsage } from "../events/index.js";
import type { Fields } from "../platform.js";
import type { Call } from "../recorder.js";
import type { Activity, Answered, Seen } from "../shapes.js";
import { take } from "../snapshot.js";
import {
  finishFields, imagesAnswer, keptResponse, madeImage, type MadeImage, madeImages, providerError, responseAnswer, usageFields,
} from "./openai-answers.js";
import { IMAGE } from "./openai-shapes.js";
import { errorOf, isAbort, list, object, present, text } from "./reading.js";

/** What hears of a stream's items and of its end. */
export abstract class Notes<A extends Activity = Activity> {
  constructor(readonly call: Call<A>) {}

  abstract item(item: Fields): void;
  /** An item of this type that is text still. True: it is noted, or nothing of it is told, and nobody needs to parse it now. */
  unparsed(_kind: string, _text: string): boolean {
    return false;
  }
  /** The stream came to its end. */
  abstract ended(): void;
  /** The host left before the end. */
  abstract left(isKnown?: boolean): void;
  /** What was seen of the answer, besides its text and tools. */
  abstract answer(): Seen<A>;

  raised(error: unknown): void {
    if (isAbort(error)) this.left();
    else this.call.fail(errorOf(error), this.told);
  }

  /** The answer, for when there is time. */
  protected readonly told = (): Seen<A> => this.answer();
}

/** Chunks of a chat, or of the older text completions whose choices have `text`. */
export class ChatNotes extends Notes<"text"> {
  private model: string | undefined;
  private id: string | undefined;
  private usage: unknown;
  private error: unknown;
  private readonly reasons: (string | undefined)[] = [];

  item(chunk: Fields): void {
    this.model ??= text(chunk["model"]);
    if (this.id === undefined) this.id = this.call.messageId = text(chunk["id"]);
    // The host has it, too, and may change it.
    if (chunk["usage"]) this.usage = take(chunk["usage"]).value;
    // OpenRouter tells an error in the middle by a chunk like any other.
    if (chunk["error"]) this.error = chunk["error"];
    for (const choice of (chunk["choices"] as Fields[] | undefined) ?? []) this.choice(choice);
  }

  private choice(choice: Fields): void {
    const index = (choice["index"] as number | undefined) ?? 0;
    const delta = choice["delta"] as Fields | undefined;
    const said = delta ? (delta["content"] ?? delta["refusal"]) : choice["text"];
    if (typeof said === "string" && said) this.call.text(said, index);
    if (!(index in this.reasons)) this.reasons[index] = undefined;
    if (choice["finish_reason"]) this.reasons[index] = choice["finish_reason"] as string;
    if (choice["error"]) this.error = choice["error"];
    if (delta) this.more(delta, index);
  }

  private more(delta: Fields, choice: number): void {
    // Not openai's own: DeepSeek and vLLM call it reasoning_content, OpenRouter reasoning.
    const thought = delta["reasoning_content"] ?? delta["reasoning"];
    if (typeof thought === "string" && thought) this.call.append({ kind: "thinking", atMs: performance.now(), text: thought, choice });
    if (!delta["tool_calls"]) return;
    for (const tool of list(delta["tool_calls"]).map(object)) {
      const called = object(tool["function"]);
      this.call.append({
        kind: "tool-call", atMs: performance.now(), text: text(called["arguments"]) ?? "", choice,
        index: (tool["index"] as number | undefined) ?? 0, id: text(tool["id"]), name: text(called["name"]),
      });
    }
  }

  ended(): void {
    if (this.error || this.reasons.includes("error")) this.call.fail(providerError(this.error), this.told);
    else this.call.complete(this.told);
  }

  left(isKnown = true): void {
    // Leaving after every choice has finished (before the usage, say) is no abort: nothing was missed of the answer.
    if (this.error || (this.reasons.length && this.reasons.every(Boolean))) this.ended();
    else if (isKnown) this.call.abort(this.told);
    else this.call.left();
  }

  answer(): Answered<"text"> {
    return present({ responseModel: this.model, responseId: this.id, ...finishFields(this.reasons), ...usageFields(this.usage) });
  }
}

/** Typed events of a Responses stream. An image in it is a call of its own, from its item's begin to its bytes. */
export class ResponseNotes extends Notes<"text"> {
  private model: string | undefined;
  private id: string | undefined;
  private final: (() => Answered<"text">) | undefined;
  /** The first event as it came: nobody may ever ask for what is in it. */
  private begun = "";
  private error: { name: string; message: string } | undefined;
  private readonly images = new Map<string, Call<"image"> | undefined>();

  item(event: Fields): void {
    const kind = event["type"] as string;
    if (kind === "response.output_text.delta" || kind === "response.refusal.delta") {
      this.call.text(String(event["delta"]), 0, text(event["item_id"]));
    } else if (kind === "response.reasoning_summary_text.delta" || kind === "response.reasoning_text.delta") {
      this.call.append({
        kind: "thinking", atMs: performance.now(), text: String(event["delta"]), choice: 0, messageId: text(event["item_id"]),
      });
    } else if (kind === "response.function_call_arguments.delta" || kind === "response.custom_tool_call_input.delta") {
      this.tool(event, String(event["delta"]));
    } else {
      this.seldom(kind, event);
    }
  }

  override unparsed(kind: string, text: string): boolean {
    switch (kind) {
      case "response.created":
        this.id = this.call.messageId = BEGUN.exec(text)?.[1];
        this.begun = this.id ? text : "";
        return this.id !== undefined;
      case "response.output_item.added":
        return !TOLD_ITEMS.test(text);
      case "response.output_item.done":
        return !text.includes(IMAGE_ITEM);
      case "response.completed":
        if (text.includes(IMAGE_ITEM)) return false;
        this.final = () => withoutEmpty(responseAnswer(object(object(JSON.parse(text))["response"])));
        return true;
      default:
        return !TOLD_KINDS.has(kind) && !kind.startsWith("response.image_generation_call.");
    }
  }

  private seldom(kind: string, event: Fields): void {
    if (kind === "response.created") {
      const response = object(event["response"]);
      this.id = this.call.messageId = text(response["id"]);
      this.model = text(response["model"]);
    } else if (kind === "response.output_item.added") {
      const item = object(event["item"]);
      if (item["type"] === "function_call" || item["type"] === "custom_tool_call") this.tool(event, "", item);
      else if (item["type"] === "image_generation_call") this.image(String(item["id"]));
    } else if (kind.startsWith("response.image_generation_call.")) {
      this.image(String(event["item_id"]));
    } else if (kind === "response.output_item.done") {
      const item = object(event["item"]);
      if (item["type"] === "image_generation_call") this.finishImage(madeImage(item));
    } else if (kind === "response.completed" || kind === "response.incomplete" || kind === "response.failed") {
      this.finished(object(event["response"]));
    } else if (kind === "error") {
      this.error = providerError(event);
    }
  }

  private tool(event: Fields, said: string, item: Fields = {}): void {
    this.call.append({
      kind: "tool-call", atMs: performance.now(), text: said, choice: 0,
      index: (event["output_index"] as number | undefined) ?? 0, id: text(item["call_id"]), name: text(item["name"]),
    });
  }

  /** response.completed, .incomplete, .failed: the whole document once more. */
  private finished(response: Fields): void {
    const kept = keptResponse(response);
    this.final = () => withoutEmpty(responseAnswer(kept));
    for (const image of madeImages(response)) this.finishImage(image);
    if (response["status"] === "failed") this.error = providerError(response["error"]);
  }

  private image(itemId: string): Call<"image"> | undefined {
    if (this.begun) this.readBegun();
    if (!this.images.has(itemId)) this.images.set(itemId, this.call.child(IMAGE, itemId, this.model));
    return this.images.get(itemId);
  }

  private finishImage(image: MadeImage): void {
    const call = this.image(image.itemId);
    if (call) endImage(call, image);
  }

  ended(): void {
    this.closeImages();
    if (this.error) this.call.fail(this.error, this.told);
    else this.call.complete(this.told);
  }

  override raised(error: unknown): void {
    this.closeImages();
    super.raised(error);
  }

  left(isKnown = true): void {
    if (this.final || this.error) return this.ended();
    this.closeImages();
    if (isKnown) this.call.abort(this.told);
    else this.call.left();
  }

  private closeImages(): void {
    for (const call of this.images.values()) call?.abort();
  }

  answer(): Answered<"text"> {
    if (this.final) return this.final();
    if (this.begun) this.readBegun();
    return present({ responseModel: this.model, responseId: this.id });
  }

  private readBegun(): void {
    const text = this.begun;
    this.begun = "";
    this.seldom("response.created", JSON.parse(text) as Fields);
  }
}

const BEGUN = /"response":\s*\{"id":\s*"([^"\\]+)"/;
const IMAGE_ITEM = '"image_generation_call"';
const TOLD_ITEMS = /"(function_call|custom_tool_call|image_generation_call)"/;
const TOLD_KINDS = new Set([
  "response.output_text.delta", "response.refusal.delta", "response.reasoning_summary_text.delta", "response.reasoning_text.delta",
  "response.function_call_arguments.delta", "response.custom_tool_call_input.delta", "response.incomplete", "response.failed", "error",
]);

/** Where the pieces of a text came, it is those. */
function withoutEmpty(answer: Answered<"text">): Answered<"text"> {
  if (!answer.content) delete answer.content;
  return answer;
}

export function endImage(call: Call<"image">, image: MadeImage): void {
  if (image.status === "failed") call.fail({ name: "image_generation_failed", message: "" }, image.answer);
  else call.complete(image.answer);
}

/** Streams whose last event has everything, or that are followed to their end only. */
abstract class Followed<A extends Activity> extends Notes<A> {
  protected usage: unknown;

  item(event: Fields): void {
    if (event["usage"]) this.usage = event["usage"];
  }

  left(isKnown = true): void {
    if (isKnown) this.call.abort(this.answer());
    else this.call.left();
  }
}

export class ImageNotes extends Followed<"image"> {
  protected readonly images: Image[] = [];

  /** Sketches are large, and nothing of them is told. */
  override unparsed(kind: string): boolean {
    return kind.endsWith(".partial_image");
  }

  override item(event: Fields): void {
    const kind = text(event["type"]) ?? "";
    if (kind.startsWith("image_") && kind.endsWith(".completed")) this.images.push(...imagesAnswer({ data: [event] }).images);
    super.item(event);
  }

  ended(): void {
    this.call.complete(this.answer());
  }

  answer(): Answered<"image"> {
    return { images: this.images, ...usageFields(this.usage) };
  }
}

export class TranscriptionNotes extends Followed<"transcription"> {
  private said = "";

  override item(event: Fields): void {
    if (event["type"] === "transcript.text.delta") this.said += text(event["delta"]) ?? "";
    else if (event["type"] === "transcript.text.done") this.said = text(event["text"]) ?? this.said;
    super.item(event);
  }

  ended(): void {
    this.call.complete(this.answer());
  }

  answer(): Answered<"transcription"> {
    return { text: this.said, ...usageFields(this.usage) };
  }
}

/** Of whose pieces nothing is kept. */
export class EndNotes extends Followed<Activity> {
  ended(): void {
    if (this.usage) this.call.complete(this.answer());
    else this.call.completeUnread();
  }

  answer(): { usage?: TokenUsage } {
    return usageFields(this.usage);
  }
}
