import { setTimeout as wait } from "node:timers/promises";
import { openCache } from "../../cache/open-cache.ts";
import { keyOf, sampleTrace } from "./sample-trace.ts";

// A process that needs the words 0 to COUNT - 1 from a shared cache: `cache-builder.ts ROOT COUNT`.
// It waits for a line on stdin, so that several start at once, builds what nobody has built, and
// says which words it did build, one a line.
const [root, count] = process.argv.slice(2);
process.stdout.write("ready\n");
await new Promise((resolve) => process.stdin.once("data", resolve));
const cache = await openCache(root!);
for (let i = 0; i < Number(count); i++) {
  const word = `word ${i}`;
  if (cache.traces.find(keyOf(word)).length > 0) continue;
  const claim = await cache.claims.claim(keyOf(word));
  if (cache.traces.find(keyOf(word)).length === 0) {
    await wait(5);
    const out = await cache.blobs.put(Buffer.from(word));
    await cache.traces.record(sampleTrace(word, { outputs: { out } }));
    process.stdout.write(`${word}\n`);
  }
  claim.release();
}
cache.close();
process.stdin.pause();
