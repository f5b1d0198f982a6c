// Services of the documented shape of aisbreaker-api-js, which is in no registry: hooked, and behind the filter.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as hookline from "hookline";
import { startCollector } from "./support/collector.mjs";
import { endedEvents, idsAreWhole, keepsTheContract } from "./support/contract.mjs";

let collector;
before(async () => {
  collector = await startCollector();
  hookline.configure({ url: collector.url, flushIntervalMs: 5 });
});
after(() => collector.close());

const PIXEL = "iVBORw0KGgo=";
const usage = { engine: { serviceId: "chat:openai.com/gpt-4o", engineId: "gpt-4o-2024" }, totalMilliseconds: 7 };
const delta = (content, index = 0) => ({ outputs: [{ text: { index, role: "assistant", content, isDelta: true, isProcessing: true } }] });

/** Answers with what it was asked; streams it word by word to whoever wants that. */
class Service {
  constructor(serviceId = "chat:openai.com/gpt-4o") {
    this.serviceProps = { serviceId };
  }

  async process(request) {
    const asked = request.text ?? request.inputs.map((input) => input.text.content).join(" ");
    if (asked.includes("[throw]")) throw Object.assign(new Error("no such engine"), { name: "AIsError", statusCode: 404 });
    if (asked.includes("[leave]")) throw Object.assign(new Error("left"), { name: "AbortError" });
    if (request.requested?.image) {
      request.streamProgressFunction?.({ outputs: [{ image: { index: 0, role: "assistant", base64: "sketch", isProcessing: true } }] });
      return { outputs: [{ image: { index: 0, role: "assistant", base64: PIXEL } }], conversationState: "s", usage };
    }
    for (const word of asked.split(/(?<= )/)) {
      request.streamProgressFunction?.(delta(word));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { outputs: [{ text: { index: 0, role: "assistant", content: asked } }], conversationState: "s", usage };
  }
}

const asks = (content, more = {}) => ({ inputs: [{ text: { role: "user", content } }], ...more });

async function streamed(service, request) {
  const heard = [];
  const final = await service.process({ ...request, streamProgressFunction: (event) => heard.push(event) });
  return [heard, final];
}

const PATTERNS = {
  "plain": ["completed", (s) => s.process(asks("Hello there"))],
  "plain, one text": ["completed", (s) => s.process({ text: "Hello there" })],
  "streamed": ["completed", (s) => streamed(s, asks("Hello there you"))],
  "an image": ["completed", (s) => streamed(s, asks("a bicycle", { requested: { image: { format: "png" } } }))],
  "an error": ["error", (s) => s.process(asks("[throw]"))],
  "left": ["aborted", (s) => s.process(asks("[leave]"))],
  "a listener that throws": ["error", (s) => s.process({ ...asks("Hello"), streamProgressFunction: () => { throw new RangeError("host's"); } })],
};
keepsTheContract(PATTERNS, () => new Service(), () => collector);

test("the filter passes everything on, and records the same", async () => {
  const filter = new hookline.RecordingFilter({ serviceId: "hookline", forward2Service: new Service() }, undefined, { clientId: "filter" });
  const [heard, final] = await streamed(filter, asks("one two three"));
  assert.deepEqual([heard.length, final.outputs[0].text.content], [3, "one two three"]);
  const events = await endedEvents(() => collector, "filter");
  assert.deepEqual([events[0].provider, events[0].model, events[0].messages], ["openai", "gpt-4o", [{ role: "user", content: "one two three" }]]);
  const last = events.at(-1);
  assert.deepEqual([last.type, last.content, last.responseModel], ["text:request:completed", "one two three", "gpt-4o-2024"]);
  assert.deepEqual(events.filter((event) => event.chunks).flatMap((event) => event.chunks.map((chunk) => chunk.delta)), ["one ", "two ", "three"]);
});

test("an image is one call with the finished picture, without the sketch", async () => {
  const service = hookline.instrument(new Service("image:stability.ai/x"), { clientId: "image" });
  await streamed(service, asks("a bicycle", { requested: { image: {} } }));
  const last = (await endedEvents(() => collector, "image")).at(-1);
  assert.deepEqual([last.type, last.provider, last.images], ["image:request:completed", "stability", [{ b64Json: PIXEL }]]);
});

test("what is put on the class later is heard, and gone when it is taken away", async () => {
  const service = hookline.instrument(new Service(), { clientId: "mocked" });
  const { process } = Service.prototype;
  Service.prototype.process = async () => "mocked";
  try {
    assert.equal(await service.process(asks("Hi")), "mocked");
  } finally {
    Service.prototype.process = process;
  }
  assert.notEqual(await service.process(asks("Hi")), "mocked");
  assert.equal((await endedEvents(() => collector, "mocked")).length > 0, true);
});

test("without content, names are all that leaves; uninstrument gives the service back", async () => {
  const service = hookline.instrument(new Service(), { clientId: "quiet", captureContent: false });
  await streamed(service, asks("my secret"));
  const events = await endedEvents(() => collector, "quiet");
  assert.ok(!JSON.stringify(events).includes("secret"));
  assert.equal(Object.hasOwn(hookline.uninstrument(service), "process"), false);
});

idsAreWhole(() => collector);
