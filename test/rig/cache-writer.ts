import { openCache } from "../../cache/open-cache.ts";
import { sampleTrace, treeBytes } from "./sample-trace.ts";

// A process that fills a cache: `cache-writer.ts ROOT NAME COUNT`. It waits for a line on stdin, so
// that many start at once, then says on stdout which words it has recorded, one a line, as soon as
// each is safe.
const [root, name, count] = process.argv.slice(2);
process.stdout.write("ready\n");
await new Promise((resolve) => process.stdin.once("data", resolve));
const cache = await openCache(root!);
for (let i = 0; i < Number(count); i++) {
  // Every other word is one that all writers write.
  const word = i % 2 === 0 ? `shared ${i}` : `${name} ${i}`;
  const rows = Buffer.alloc(1 + ((i * 7919) % 200_000), word);
  const files = { rows: { digest: await cache.blobs.put(rows), bytes: rows.byteLength } };
  const tree = await cache.blobs.put(treeBytes(files));
  await cache.traces.record(sampleTrace(word, { outputs: { out: tree } }));
  process.stdout.write(`${word}\n`);
}
const stages = [{ stage: "s", state: "executed", seconds: 1 }];
cache.traces.recordRun({ id: name!, pipeline: "p", startedAt: "2026", seconds: 1, stages });
cache.close();
process.stdin.pause();
