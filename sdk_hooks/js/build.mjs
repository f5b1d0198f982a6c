// Builds dist/: ESM and CJS by esbuild, types by tsc.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const version = JSON.parse(readFileSync(new URL("package.json", import.meta.url))).version;
const shared = { absWorkingDir: here, bundle: true, target: "es2022", define: { HOOKLINE_VERSION: JSON.stringify(version) } };

rmSync(new URL("dist", import.meta.url), { recursive: true, force: true });
await Promise.all([
  build({
    ...shared, entryPoints: ["src/node.ts", "src/register.ts"], outdir: "dist/esm",
    format: "esm", platform: "node", splitting: true, chunkNames: "shared-[hash]",
  }),
  build({
    ...shared, entryPoints: ["src/browser.ts", "src/register-browser.ts"], outdir: "dist/esm",
    format: "esm", platform: "browser", splitting: true, chunkNames: "shared-[hash]",
  }),
  build({
    ...shared, entryPoints: ["src/node.ts", "src/register.ts"], outdir: "dist/cjs",
    format: "cjs", platform: "node", outExtension: { ".js": ".cjs" },
  }),
]);
const tsc = createRequire(import.meta.url).resolve("typescript/package.json").replace(/package\.json$/, "bin/tsc");
execFileSync(process.execPath, [tsc, "-p", here], { stdio: "inherit" });
// The same types for those who `require`: a CommonJS module may import types of CommonJS modules only (TS1479, TS1541).
const types = new URL("dist/types/", import.meta.url);
for (const name of readdirSync(types, { recursive: true })) {
  if (!name.endsWith(".d.ts")) continue;
  const text = readFileSync(new URL(name, types), "utf8").replace(/(from |import\()"(\.{1,2}\/[^"]+)\.js"/g, '$1"$2.cjs"');
  writeFileSync(new URL(name.replace(/\.d\.ts$/, ".d.cts"), types), text);
}
