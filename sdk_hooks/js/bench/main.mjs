// What the hook costs a host in its SDK's real client, over loopback HTTP, content on: `npm run bench [-- --rounds 40 --sdk openai]`.
//
// Bare and hooked run in processes of their own and take turns; the provider and the receiver of the events are others. The run
// fails unless every timed call arrived with its messages, its text piece by piece, and its usage; `--hook silent` records nothing.
import { parseArgs } from "node:util";
import { added, least, median, Process, ratio, shown, takeTurns } from "./rounds.mjs";
import { CHUNKS } from "./said.mjs";

const { values: asked } = parseArgs({
  options: { rounds: { type: "string", default: "40" }, sdk: { type: "string", multiple: true }, hook: { type: "string", default: "hooked" } },
});
const rounds = Number(asked.rounds);
const [provider, receiver] = ["provider", "receiver"].map((name) => new Process(name));
const [providerUrl, receiverUrl] = (await Promise.all([provider.read(), receiver.read()])).map((port) => `http://127.0.0.1:${port}`);
let made = 0;

/** What is told, and of which pairs. */
const KINDS = { caller: "turns", all: "rounds" };
const verdict = (found, limit) => `limit ${limit} ${found.value <= limit ? "kept" : "MISSED"}`;

async function compare(sdk) {
  const workers = ["bare", asked.hook].map((variant) => new Process("worker", sdk, variant, providerUrl, receiverUrl));
  const [{ acts }] = await Promise.all(workers.map((worker) => worker.read()));
  const pairs = {};
  for (const act of acts) {
    const calls = act === "stream" ? 3 : 10;
    // Until the engine has compiled what it will.
    if (rounds > 1) await takeTurns(...workers, act, calls * 5, 3);
    pairs[act] = await takeTurns(...workers, act, calls, rounds);
    tell(`${sdk} ${act}`, pairs[act]);
  }
  for (const [which, kind] of Object.entries(KINDS)) {
    const [long, short] = [pairs["stream"][kind], pairs["short stream"][kind]];
    const each = median(long.map(([bare, hooked], i) => {
      const [none, one] = short[i];
      return (hooked[which] - bare[which] - (one[which] - none[which])) / (CHUNKS - 1);
    }));
    const fastest = (least(long, which) - least(short, which)) / (CHUNKS - 1);
    console.log(`${sdk} a chunk, ${which}: ${shown(each, 2)} us (${fastest.toFixed(2)}) ${verdict(each, 5)}`);
  }
  for (const worker of workers) worker.end();
  made += workers[1].calls;
}

function tell(name, pairs) {
  const base = median(pairs.turns.map(([bare]) => bare.caller));
  const told = Object.entries(KINDS).map(([which, kind]) => {
    const times = ratio(pairs[kind], which);
    return `${which} +${shown(added(pairs[kind], which), 1)} us (${least(pairs[kind], which).toFixed(1)}) x ${shown(times, 3)} ${verdict(times, 1.05)}`;
  });
  console.log(`${name}: bare ${base.value.toFixed(0)} us; ${told.join("; ")}; wall x ${shown(ratio(pairs.turns, "wall"), 3)}`);
}

async function speed() {
  const worker = new Process("worker", "openai", "bare", providerUrl, receiverUrl);
  await worker.read();
  const found = [];
  for (let i = 0; i < Math.min(9, rounds); i++) found.push((await worker.ask("yardstick")).ms);
  worker.end();
  return `fifty million additions in a loop took ${shown(median(found), 1)} ms`;
}

console.log(`${new Date().toISOString()}, Node ${process.versions.node}; ${await speed()}`);
for (const sdk of asked.sdk ?? ["openai", "openrouter"]) await compare(sdk);
const found = await (await fetch(receiverUrl)).json();
console.log(await speed());
provider.end();
receiver.end();
if (found.started !== made || found.whole !== made) {
  console.error(`${made} calls were timed; arrived whole: ${found.whole}, begun: ${found.started}`);
  process.exitCode = 1;
} else console.log(`${made} calls were timed; each arrived with its messages, its text piece by piece and its usage`);
