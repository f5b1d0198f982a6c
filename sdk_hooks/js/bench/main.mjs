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

const verdict = (found, limit) => `limit ${limit} ${found.value <= limit ? "kept" : "MISSED"}`;

async function compare(sdk) {
  const workers = ["bare", asked.hook].map((variant) => new Process("worker", sdk, variant, providerUrl, receiverUrl));
  const [{ acts }] = await Promise.all(workers.map((worker) => worker.read()));
  const pairs = {};
  for (const act of acts) {
    const calls = act === "stream" ? 20 : 100;
    // Until the engine has compiled what it will.
    await takeTurns(...workers, act, calls, Math.min(15, rounds));
    pairs[act] = await takeTurns(...workers, act, calls, rounds);
  }
  for (const act of acts) tell(`${sdk} ${act}`, pairs[act]);
  for (const which of ["caller", "all"]) {
    const each = median(pairs["stream"].map(([bare, hooked], i) => {
      const [none, one] = pairs["short stream"][i];
      return (hooked[which] - bare[which] - (one[which] - none[which])) / (CHUNKS - 1);
    }));
    const fastest = (least(pairs["stream"], which) - least(pairs["short stream"], which)) / (CHUNKS - 1);
    console.log(`${sdk} a chunk, ${which}: ${shown(each, 2)} us (${fastest.toFixed(2)}) ${verdict(each, 5)}`);
  }
  for (const worker of workers) worker.end();
  made += workers[1].calls;
}

function tell(name, pairs) {
  const base = median(pairs.map(([bare]) => bare.caller));
  const told = ["caller", "all"].map((which) => {
    const times = ratio(pairs, which);
    return `${which} +${shown(added(pairs, which), 1)} us (${least(pairs, which).toFixed(1)}) x ${shown(times, 3)} ${verdict(times, 1.05)}`;
  });
  console.log(`${name}: bare ${base.value.toFixed(0)} us; ${told.join("; ")}; wall x ${shown(ratio(pairs, "wall"), 3)}`);
}

async function speed() {
  const worker = new Process("worker", "openai", "bare", providerUrl, receiverUrl);
  await worker.read();
  const found = [];
  for (let i = 0; i < 9; i++) found.push((await worker.ask("yardstick")).ms);
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
