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

/** Of calls between deliveries, as many as a host makes while events wait to be sent. */
const TURNS = 4;

/** Calls that are not counted, until the engine has compiled what it will: it takes some thousand. All at once. */
export async function warm(workers, act, calls, turns) {
  await Promise.all(workers.map(async (worker) => {
    for (let turn = 0; turn < turns; turn++) {
      await worker.ask(act, calls);
      if (turn % TURNS === TURNS - 1) await worker.ask("deliver");
    }
  }));
}

/** One process with all clients: what each call took, a row for each time that all had one. */
export async function takeCalls([worker], act, calls, rounds) {
  const found = [];
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < TURNS; turn++) found.push(...(await worker.ask(act, calls)).rows);
    await worker.ask("deliver");
  }
  return { calls: found };
}

/**
 * A process for each client: so many rounds of turns; who begins changes, for the next may find a warmer machine. A turn tells what
 * is spent until its calls are over, a round what is spent until they are delivered, too. Rows in the order of the workers, a call's part.
 */
export async function takeTurns(workers, act, calls, rounds) {
  const found = { turns: [], rounds: [] };
  for (let round = 0; round < rounds; round++) {
    const sums = workers.map(() => 0);
    for (let turn = 0; turn < TURNS; turn++) {
      const took = [];
      for (let i = 0; i < workers.length; i++) {
        const at = (turn % 2 ? workers.length - 1 - i : i + round) % workers.length;
        took[at] = (await workers[at].ask(act, calls)).caller;
        sums[at] += took[at] * calls;
      }
      found.turns.push(took);
    }
    for (const [at, worker] of workers.entries()) sums[at] += (await worker.ask("deliver")).us;
    found.rounds.push(sums.map((sum) => sum / (TURNS * calls)));
  }
  return found;
}

// Of a row: bare, hooked, bare again. Now the one and now the other bare one is compared with: the mean of both would be the greater
// one's more often than not, since what takes long takes very long, and the hooked one would look the better for it.
const bareOf = (row, at) => row[at % 2 ? 2 : 0];
export const ratio = (row, at) => row[1] / bareOf(row, at);
export const added = (row, at) => row[1] - bareOf(row, at);
export const noise = (row) => row[2] / row[0];

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

/** One value for each set of processes, since a process is faster or slower than its like for as long as it lives. Of one set: its rows'. */
export const overSets = (sets, of) => (sets.length > 1 ? median(sets.map((rows) => median(rows.map(of)).value)) : median(sets[0].map(of)));
