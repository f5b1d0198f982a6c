// What the hook costs a host in its SDK's real client, over loopback HTTP, content on: `npm run bench [-- --sets 10 --sdk openai]`.
//
// Measured twice. In one process: a bare client, a hooked one and a bare one more take turns call by call, so that whatever makes
// two processes differ is the same for them. And in processes: a bare one, a hooked one, and one more bare one, turn by turn. The
// bare one more tells how much of a difference is noise. Each set is of fresh processes, which begin with calls that are not counted.
// The provider and the receiver of the events are others. The run fails unless every call arrived with its messages, its text
// piece by piece, and its usage; `--hook silent` records nothing.
import { parseArgs } from "node:util";
import { added, median, noise, overSets, Process, ratio, shown, takeCalls, takeTurns, warm } from "./rounds.mjs";
import { CHUNKS } from "./said.mjs";

const { values: asked } = parseArgs({
  options: {
    sets: { type: "string", default: "5" }, rounds: { type: "string", default: "5" }, warm: { type: "string", default: "120" },
    sdk: { type: "string", multiple: true }, act: { type: "string", multiple: true },
    way: { type: "string", multiple: true, default: ["together", "apart"] }, hook: { type: "string", default: "hooked" },
  },
});
const [sets, rounds, warming] = [asked.sets, asked.rounds, asked.warm].map(Number);
const [provider, receiver] = ["provider", "receiver"].map((name) => new Process(name));
const [providerUrl, receiverUrl] = (await Promise.all([provider.read(), receiver.read()])).map((port) => `http://127.0.0.1:${port}`);
const started = (sdk, variants) => variants.map((variant) => new Process("worker", sdk, variant, providerUrl, receiverUrl));
const isAsked = (act) => !asked.act || asked.act.includes(act);
let made = 0;

/** Call by call in one process, or turn by turn in three: what is told of it, and by which name. */
const WAYS = {
  together: { variants: [`bare,${asked.hook},bare`], take: takeCalls, told: { caller: "calls" } },
  apart: { variants: ["bare", asked.hook, "bare"], take: takeTurns, told: { caller: "turns", all: "rounds" } },
};
const verdict = (found, limit) => `limit ${limit} ${found.value <= limit ? "kept" : "MISSED"}`;

/** By act: the rows of each set, of each kind. */
async function measure(sdk, { variants, take }) {
  const found = {};
  for (let set = 0; set < sets; set++) {
    const workers = started(sdk, variants);
    const [{ acts }] = await Promise.all(workers.map((worker) => worker.read()));
    for (const act of acts.filter(isAsked)) {
      const calls = act === "stream" ? 10 : 50;
      await warm(workers, act, calls, warming);
      for (const [kind, rows] of Object.entries(await take(workers, act, calls, rounds))) ((found[act] ??= {})[kind] ??= []).push(rows);
    }
    for (const worker of workers) worker.end();
    made += workers[variants.length > 1 ? 1 : 0].calls;
  }
  return found;
}

function tell(name, kinds, told) {
  for (const [which, kind] of Object.entries(told)) {
    const found = kinds[kind];
    const bare = overSets(found, ([first]) => first);
    const factor = overSets(found, ratio);
    console.log(
      `${name}, ${which}: bare ${bare.value.toFixed(0)} us, +${shown(overSets(found, added), 1)} us, ` +
        `x ${shown(factor, 3)} ${verdict(factor, 1.05)}, bare x ${shown(overSets(found, noise), 3)}, set by set ${found.map((rows) => median(rows.map(ratio)).value.toFixed(3)).join(" ")}`,
    );
  }
}

function tellChunk(name, long, short, told) {
  for (const [which, kind] of Object.entries(told)) {
    const each = median(long[kind].map((rows, set) => {
      const [all, one] = [rows, short[kind][set]].map((part) => median(part.map(added)).value);
      return (all - one) / (CHUNKS - 1);
    }));
    console.log(`${name} a chunk, ${which}: ${shown(each, 2)} us ${verdict(each, 5)}`);
  }
}

async function speed() {
  const [worker] = started("openai", ["bare"]);
  await worker.read();
  const found = [];
  for (let i = 0; i < Math.min(9, rounds); i++) found.push((await worker.ask("yardstick")).ms);
  worker.end();
  return `fifty million additions in a loop took ${shown(median(found), 1)} ms`;
}

console.log(`${new Date().toISOString()}, Node ${process.versions.node}; ${await speed()}`);
for (const sdk of asked.sdk ?? ["openai", "openrouter"]) {
  for (const way of asked.way) {
    const { told } = WAYS[way];
    const found = await measure(sdk, WAYS[way]);
    for (const [act, kinds] of Object.entries(found)) tell(`${sdk} ${act}, ${way}`, kinds, told);
    if (found["stream"] && found["short stream"]) tellChunk(`${sdk}, ${way},`, found["stream"], found["short stream"], told);
  }
}
const found = await (await fetch(receiverUrl)).json();
console.log(`${new Date().toISOString()}; ${await speed()}`);
provider.end();
receiver.end();
if (found.started !== made || found.whole !== made) {
  console.error(`${made} calls were timed; arrived whole: ${found.whole}, begun: ${found.started}`);
  process.exitCode = 1;
} else console.log(`${made} calls were made; each arrived with its messages, its text piece by piece and its usage`);
