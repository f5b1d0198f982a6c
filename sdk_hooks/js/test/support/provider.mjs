// The local provider that speaks OpenAI's wire format: the project's own, in a Python process beside the tests.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const PROGRAM = `
import sys
from collector.demo.provider import start_provider
with start_provider() as provider:
    print(provider.base_url, provider.openrouter_url, flush=True)
    sys.stdin.read()
`;

/** One that runs already, or one that ends with this process: its input closes. */
export async function startProvider() {
  const { HOOKLINE_TEST_PROVIDER: running } = process.env;
  if (running) {
    const [baseURL, openrouterURL] = running.split(" ");
    return { baseURL, openrouterURL, close: () => {} };
  }
  const venv = `${ROOT}.venv/bin/python`;
  const python = process.env.HOOKLINE_TEST_PYTHON ?? (existsSync(venv) ? venv : "python3");
  const child = spawn(python, ["-c", PROGRAM], { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const [baseURL, openrouterURL] = (await new Promise((resolve, reject) => {
    lines.once("line", resolve);
    child.once("exit", (code) => reject(new Error(`the provider ended with ${code}`)));
  })).split(" ");
  return { baseURL, openrouterURL, close: () => child.stdin.end() };
}
