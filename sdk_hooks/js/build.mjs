// Builds dist/: ESM and CJS by esbuild, types by tsc.
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, rmSync } from "node:fs";
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
for (const name of ["node", "register"]) {
  copyFileSync(new URL(`dist/types/${name}.d.ts`, import.meta.url), new URL(`dist/types/${name}.d.cts`, import.meta.url));
}
