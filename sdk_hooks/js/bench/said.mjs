// What the benchmark asks, and what is answered: prepared once, as bytes.
//
// Flow: **said** -> provider (answers), worker (asks) -> hook -> receiver (checks that all of it arrived).
export const CHUNKS = 100;
export const MODEL = "gpt-4o-2024-08-06";
export const ANSWER = "This is a test.";
export const WORDS = Array.from({ length: CHUNKS }, (_, i) => ` word${i}`);
export const STREAMED = WORDS.join("");
export const TOTAL_TOKENS = 25;
export const ASKED = "Say that this is a test.";
export const MESSAGES = [{ role: "system", content: "You are terse." }, { role: "user", content: ASKED }];

const USAGE = { prompt_tokens: 20, completion_tokens: 5, total_tokens: TOTAL_TOKENS, prompt_tokens_details: { cached_tokens: 4 } };
const HEAD = { id: "chatcmpl-1", created: 1, model: MODEL, system_fingerprint: "fp_1" };
const chat = {
  ...HEAD, object: "chat.completion", usage: USAGE,
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: ANSWER } }],
};
const chunk = (delta, finish_reason = null) => ({ ...HEAD, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }] });
const chunks = (words) => [...words.map((content) => chunk({ content })), chunk({}, "stop"), { ...chunk({}), choices: [], usage: USAGE }];

const message = { id: "msg_1", type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text: ANSWER, annotations: [] }] };
const response = {
  id: "resp_1", object: "response", created_at: 1, model: MODEL, status: "completed", output: [message], parallel_tool_calls: true,
  tool_choice: "auto", tools: [],
  usage: {
    input_tokens: 20, input_tokens_details: { cached_tokens: 4, cache_write_tokens: 0 },
    output_tokens: 5, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: TOTAL_TOKENS,
  },
};

// OpenRouter's SDK checks every event: all that it insists on.
const begun = {
  ...response, completed_at: null, status: "in_progress", error: null, incomplete_details: null, instructions: null, metadata: {}, output: [],
  frequency_penalty: 0, presence_penalty: 0, temperature: 1, top_p: 1, usage: null,
};
const said = { ...message, content: [{ type: "output_text", text: WORDS[0], annotations: [], logprobs: [] }] };
const delta = { content_index: 0, delta: WORDS[0], logprobs: [], item_id: message.id, output_index: 0 };
const responseEvents = [
  { type: "response.created", response: begun },
  { type: "response.output_item.added", output_index: 0, item: { ...message, status: "in_progress", content: [] } },
  { type: "response.output_text.delta", ...delta },
  { type: "response.output_item.done", output_index: 0, item: said },
  { type: "response.completed", response: { ...begun, completed_at: 2, status: "completed", output: [said], usage: response.usage } },
];

const event = (data) => `data: ${JSON.stringify(data)}\n\n`;
const frames = (words) => [...chunks(words).map(event), "data: [DONE]\n\n"];

/** By path and kind: a whole answer, or the frames of a stream. */
export const ANSWERS = {
  chat: JSON.stringify(chat),
  responses: JSON.stringify(response),
  stream: frames(WORDS),
  "short stream": frames(WORDS.slice(0, 1)),
  "response stream": responseEvents.map((found, at) => `event: ${found.type}\n${event({ ...found, sequence_number: at })}`),
};
