// Processes that take turns, and what one costs more than the other: medians with 95 % intervals.
//
// A machine that others use drifts; what is measured back to back and compared pair by pair does not see it.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A process of this folder that answers a line with a line. Its first line says that it is ready. */
export class Process {
  calls = 0;

  constructor(name, ...given) {
    this.child = spawn(process.execPath, [fileURLToPath(new URL(`${name}.mjs`, import.meta.url)), ...given], {
      stdio: ["pipe", "pipe", "inherit"], env: { PATH: process.env.PATH },
    });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async read() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`${this.child.spawnargs.join(" ")} ended`);
    return JSON.parse(value);
  }

  ask(act, calls = 0) {
    this.calls += calls;
    this.child.stdin.write(`${JSON.stringify({ act, calls })}\n`);
    return this.read();
  }

  end() {
    this.child.stdin.end();
  }
}

const TURNS = 10;

/**
 * So many rounds of ten turns each; who begins changes, for the second may find a warmer machine. Pairs of turns tell what is
 * spent until the calls are over (`caller`), pairs of rounds what is spent until they are delivered, too (`all`).
 */
export async function takeTurns(bare, other, act, calls, rounds) {
  const found = { turns: [], rounds: [] };
  for (let round = 0; round < rounds; round++) {
    const sums = new Map([[bare, 0], [other, 0]]);
    for (let turn = 0; turn < TURNS; turn++) {
      const took = new Map();
      for (const worker of turn % 2 ? [bare, other] : [other, bare]) took.set(worker, await worker.ask(act, calls));
      for (const [worker, { caller }] of took) sums.set(worker, sums.get(worker) + caller * calls);
      found.turns.push([took.get(bare), took.get(other)]);
    }
    for (const worker of [bare, other]) sums.set(worker, sums.get(worker) + (await worker.ask("deliver")).us);
    found.rounds.push([bare, other].map((worker) => ({ all: sums.get(worker) / (TURNS * calls) })));
  }
  return found;
}

/** With the interval that holds the true median in 95 of 100 cases: two ranks of the sorted values, nothing assumed. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const count = sorted.length;
  const reach = 0.98 * Math.sqrt(count);
  const low = Math.max(0, Math.floor(count / 2 - reach));
  const high = Math.min(count - 1, Math.ceil(count / 2 + reach) - 1);
  const value = (sorted[(count - 1) >> 1] + sorted[count >> 1]) / 2;
  return { value, low: sorted[low], high: sorted[Math.max(low, high)] };
}

export const shown = ({ value, low, high }, digits) => `${value.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
export const added = (pairs, name) => median(pairs.map(([bare, other]) => other[name] - bare[name]));
export const ratio = (pairs, name) => median(pairs.map(([bare, other]) => other[name] / bare[name]));
export const least = (pairs, name) => Math.min(...pairs.map(([, other]) => other[name])) - Math.min(...pairs.map(([bare]) => bare[name]));
