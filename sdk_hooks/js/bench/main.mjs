// What the hook costs a host in its SDK's real client, over loopback HTTP, content on: `npm run bench [-- --sets 10 --sdk openai]`.
//
// Three processes take turns: bare, hooked, and bare once more, which tells how much of a difference is noise. Each set of three
// is a fresh one. The provider and the receiver of the events are others. The run fails unless every timed call arrived with its
// messages, its text piece by piece, and its usage; `--hook silent` records nothing.
import { parseArgs } from "node:util";
import { least, median, overSets, Process, shown, takeTurns } from "./rounds.mjs";
import { CHUNKS } from "./said.mjs";

const { values: asked } = parseArgs({
  options: {
    sets: { type: "string", default: "10" }, rounds: { type: "string", default: "5" }, sdk: { type: "string", multiple: true },
    act: { type: "string", multiple: true }, hook: { type: "string", default: "hooked" },
  },
});
const [sets, rounds] = [Number(asked.sets), Number(asked.rounds)];
const [provider, receiver] = ["provider", "receiver"].map((name) => new Process(name));
const [providerUrl, receiverUrl] = (await Promise.all([provider.read(), receiver.read()])).map((port) => `http://127.0.0.1:${port}`);
let made = 0;

/** What is told, and of which pairs. */
const KINDS = { caller: "turns", all: "rounds" };
const verdict = (found, limit) => `limit ${limit} ${found.value <= limit ? "kept" : "MISSED"}`;
const bareOf = (which) => ([bare, , again]) => (bare[which] + again[which]) / 2;
const addedOf = (which) => (row) => row[1][which] - bareOf(which)(row);

/** By act: turns and rounds of each set. */
async function measure(sdk) {
  const found = {};
  for (let set = 0; set < sets; set++) {
    const workers = ["bare", asked.hook, "bare"].map((variant) => new Process("worker", sdk, variant, providerUrl, receiverUrl));
    const [{ acts }] = await Promise.all(workers.map((worker) => worker.read()));
    for (const act of acts) {
      if (asked.act && !asked.act.includes(act)) continue;
      const calls = act === "stream" ? 10 : 50;
      // Until the engine has compiled what it will.
      if (sets > 1) await takeTurns(workers, act, calls, 5);
      const { turns, rounds: delivered } = await takeTurns(workers, act, calls, rounds);
      const told = (found[act] ??= { turns: [], rounds: [] });
      told.turns.push(turns);
      told.rounds.push(delivered);
    }
    for (const worker of workers) worker.end();
    made += workers[1].calls;
  }
  return found;
}

function tell(name, found) {
  const told = Object.entries(KINDS).map(([which, kind]) => {
    const [rows, bare, added] = [found[kind], bareOf(which), addedOf(which)];
    const times = overSets(rows, (row) => row[1][which] / bare(row));
    const noise = overSets(rows, (row) => row[2][which] / row[0][which]);
    const fastest = least(rows, (row) => row[1][which]) - least(rows, (row) => Math.min(row[0][which], row[2][which]));
    return `${which} +${shown(overSets(rows, added), 1)} us (${fastest.toFixed(1)}) x ${shown(times, 3)} ${verdict(times, 1.05)}, bare x ${shown(noise, 3)}`;
  });
  console.log(`${name}: bare ${overSets(found.turns, bareOf("caller")).value.toFixed(0)} us; ${told.join("; ")}`);
}

function tellChunk(sdk, long, short) {
  for (const [which, kind] of Object.entries(KINDS)) {
    const each = median(long[kind].map((rows, set) => {
      const [all, one] = [rows, short[kind][set]].map((part) => median(part.map(addedOf(which))).value);
      return (all - one) / (CHUNKS - 1);
    }));
    console.log(`${sdk} a chunk, ${which}: ${shown(each, 2)} us ${verdict(each, 5)}`);
  }
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
for (const sdk of asked.sdk ?? ["openai", "openrouter"]) {
  const found = await measure(sdk);
  for (const [act, rows] of Object.entries(found)) tell(`${sdk} ${act}`, rows);
  if (found["stream"] && found["short stream"]) tellChunk(sdk, found["stream"], found["short stream"]);
}
const found = await (await fetch(receiverUrl)).json();
console.log(`${new Date().toISOString()}; ${await speed()}`);
provider.end();
receiver.end();
if (found.started !== made || found.whole !== made) {
  console.error(`${made} calls were timed; arrived whole: ${found.whole}, begun: ${found.started}`);
  process.exitCode = 1;
} else console.log(`${made} calls were timed; each arrived with its messages, its text piece by piece and its usage`);
