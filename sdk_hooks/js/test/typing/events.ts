// What `tsc` must refuse of a hook: it says so itself where it finds nothing wrong below an `@ts-expect-error`.
import type { Call } from "../../src/recorder.js";
import type { MadeEvent, Shape, Told } from "../../src/shapes.js";
import { present } from "../../src/hooks/reading.js";

declare const image: Call<"image">;
declare const text: Call<"text">;
declare const unread: unknown;

image.complete({ images: [{ url: "https://example.com/a.png" }] });
// @ts-expect-error an answer without what the schema wants of it
image.complete({});
// @ts-expect-error a field of another type
image.complete({ images: "none" });
// @ts-expect-error what was read of an SDK, and not looked at
image.complete(present({ images: [], responseModel: unread }));
// @ts-expect-error a count that is a text
text.complete(() => ({ content: "Hello", usage: { promptTokens: "7" } }));
// @ts-expect-error a tool call without its name
text.fail({ name: "Error", message: "" }, { toolCalls: [{ id: "a", function: { arguments: "" } }] });

export const SHAPE: Shape<"embedding"> = {
  activity: "embedding",
  // @ts-expect-error a request without its number of inputs
  started: () => ({ inputCount: 1, textInputCount: 1 }),
};
// @ts-expect-error no activity of the schema
export const OTHER: Shape<"painting"> = {};
// @ts-expect-error a verdict without its guardrail
export const verdict: Told<"guardrail:completed"> = { triggered: true };
// @ts-expect-error a tool's end without its result
export const ended: MadeEvent = { type: "tools:call:completed", timestamp: 1, streamId: "s", toolCallId: "t", toolName: "n", duration: 1 };
