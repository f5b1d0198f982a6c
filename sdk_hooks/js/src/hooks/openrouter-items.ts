// What OpenRouter answers, under the names of the wire, for the readers that know those. Pure.
// A stream's items come by the hundred, and nearly all are a piece of text: just the members that are told are read.
import type { Fields } from "../platform.js";
import { list, object, snake, text } from "./reading.js";

export function wireAnswer(result: unknown): unknown {
  const { id, model, usage, choices } = object(result);
  if (!Array.isArray(choices)) return snake(result);
  return { id, model, usage: snake(usage), choices: choices.map((choice) => choiceOf(choice, "message")) };
}

/** Of a stream. */
export function wireItem(item: unknown): unknown {
  const given = object(item);
  if (Array.isArray(given["choices"])) return chunk(given, given["choices"] as unknown[]);
  if (typeof given["delta"] === "string") return delta(given);
  return snake(item);
}

/** A chunk of a chat. */
function chunk({ id, model, usage, error }: Fields, choices: unknown[]): Fields {
  return { id, model, usage: snake(usage), error: snake(error), choices: choices.map((choice) => choiceOf(choice, "delta")) };
}

function choiceOf(given: unknown, name: "message" | "delta"): Fields {
  const { index, [name]: said, finishReason, error } = object(given);
  const { content, refusal, reasoning, toolCalls } = object(said);
  const wired = { content, refusal, reasoning, tool_calls: toolCalls && list(toolCalls).map(snake) };
  return { index, [name]: wired, finish_reason: finishReason, error: snake(error) };
}

/** An event of a response. */
function delta({ type, delta: said, itemId, outputIndex }: Fields): Fields {
  return { type, delta: said, item_id: text(itemId), output_index: outputIndex };
}
