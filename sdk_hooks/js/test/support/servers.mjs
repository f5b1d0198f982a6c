// The collector and the provider of a test file: there from its first test to its last, whatever happens in between.
import { after, before } from "node:test";
import * as hookline from "hookline";
import { startCollector } from "./collector.mjs";
import { startProvider } from "./provider.mjs";

export let provider;
export let collector;

before(async () => {
  collector = await startCollector();
  provider = await startProvider();
  hookline.configure({ url: collector.url, flushIntervalMs: 5 });
});
after(async () => {
  provider?.close();
  await collector?.close();
});
