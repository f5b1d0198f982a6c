// Promises of openai that nobody asks, or that are asked late: the SDK sends all the same, and what it rejects with is the host's.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { startCollector } from "./support/collector.mjs";

/** name: [how its call ends, what the host does]. `answer` and `refuse` end what was asked. */
const HOSTS = {
  "never asked, and let go": ["completed", "(() => void ask())(); await sent(); answer(); await turn(); await collectGarbage();"],
  "let go before the answer comes": ["completed", "(() => void ask())(); await sent(); await collectGarbage(); answer(); await turn();"],
  "never asked, and kept to the end": ["completed", "kept.push(ask()); await sent(); answer(); await turn();"],
  "never asked, and never answered": ["aborted", "kept.push(ask()); await sent();"],
  "never asked, and refused": ["error", "(() => void ask())(); await sent(); refuse(); await turn(); await collectGarbage();"],
  "asked when the answer has come": ["completed", "const asked = ask(); await sent(); answer(); await turn(); await collectGarbage(); said.content = (await asked).choices[0].message.content;"],
  "asked while it is on its way, and refused": ["error", "const asked = ask(); await sent(); asked.catch((error) => (said.caught = error.status)); refuse(); await turn();"],
  "asked at once, and never handled": ["error", "void ask().then(() => 1); await sent(); refuse(); await turn();"],
  "asked late for its response, which is never read": ["aborted", "const asked = ask(); await sent(); answer(); await turn(); kept.push(await asked.asResponse());"],
};

const PROGRAM = `
  import * as hookline from "hookline";
  import OpenAI from "openai";
  import { collectGarbage } from "./support/contract.mjs";
  let said;
  process.on("unhandledRejection", (error) => (said.unhandled += 1, said.name = error.constructor.name));
  process.on("rejectionHandled", () => (said.late += 1));
  const CHAT = { id: "c", object: "chat.completion", model: "m", created: 1, choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "yes" } }] };
  let answer, refuse, isSent;
  const fetch = () => new Promise((resolve) => {
    isSent = true;
    answer = () => {
      const response = new Response(JSON.stringify(CHAT), { headers: { "content-type": "application/json" } });
      const { text } = response;
      response.text = (...args) => (said.read += 1, text.apply(response, args));
      resolve(response);
    };
    refuse = () => resolve(new Response("no", { status: 400 }));
  });
  const turn = () => new Promise((resolve) => setTimeout(resolve, 10));
  const sent = async () => {
    while (!isSent) await turn();
  };
  const kept = [];
  const found = {};
  async function outcome(client, act) {
    isSent = false;
    said = { unhandled: 0, late: 0, read: 0 };
    await act(() => client.chat.completions.create({ model: "m", messages: [] }));
    await turn();
    return said;
  }
  const newClient = () => new OpenAI({ apiKey: "k", maxRetries: 0, fetch });
  const hosts = {${Object.entries(HOSTS).map(([name, [, act]]) => `${JSON.stringify(name)}: async (ask) => { ${act} }`).join(",\n")}};
  for (const [clientId, act] of Object.entries(hosts)) {
    found[clientId] = [await outcome(newClient(), act), await outcome(hookline.instrument(newClient(), { clientId }), act)];
  }
  console.log(JSON.stringify(found));
  process.exit();`;

let collector;
let outcomes;
before(async () => {
  collector = await startCollector();
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", "--input-type=module", "-e", PROGRAM], {
    cwd: new URL(".", import.meta.url), env: { PATH: process.env.PATH, HOOKLINE_URL: collector.url }, timeout: 200_000,
  });
  outcomes = JSON.parse(stdout);
});
after(() => collector.close());

for (const [name, [end]] of Object.entries(HOSTS)) {
  test(`${name}: as bare, and ${end}`, () => {
    const [bare, hooked] = outcomes[name];
    assert.deepEqual(hooked, bare);
    const events = collector.events().filter((event) => event.clientId === name);
    assert.deepEqual(events.map((event) => event.type), ["text:request:started", `text:request:${end}`]);
    assert.equal(events[1].content || undefined, bare.content);
    assert.equal(events[1].error?.name, end === "error" ? "BadRequestError" : undefined);
  });
}
