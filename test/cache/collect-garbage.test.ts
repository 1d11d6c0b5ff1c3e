import assert from "node:assert/strict";
import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type CollectLimits, collectGarbage } from "../../cache/collect-garbage.ts";
import type { Digest } from "../../cache/digest.ts";
import { nodeFileSystem } from "../../cache/file-system.ts";
import { manifestPath } from "../../cache/manifest-files.ts";
import { type Cache, openCache } from "../../cache/open-cache.ts";
import { exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import { assertExported, exportTwice, prepareExport } from "../rig/export-scene.ts";
import { keyOf, sampleTrace, treeBytes } from "../rig/sample-trace.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const words = ["ash", "elm", "oak", "yew"];
const day = 24 * 3_600_000;

/**
 * Four results of one blob of 1,000 bytes each and its tree, and one blob that all share; made on
 * four days in a row, the last of them ten days ago.
 */
async function filled(t: TestContext, now = Date.now) {
  const folder = await temporaryFolder(t);
  const cache = await openCache(join(folder, "cache"), { now });
  t.after(() => cache.close());
  const shared = { digest: await cache.blobs.put(Buffer.alloc(500, "shared")), bytes: 500 };
  for (const [i, word] of words.entries()) {
    const own = { digest: await cache.blobs.put(Buffer.alloc(1000, word)), bytes: 1000 };
    const tree = await cache.blobs.put(treeBytes({ own, shared }));
    const trace = sampleTrace(word, { outputs: { out: tree } });
    await cache.traces.record(trace);
    const made = new Date(Date.now() - (14 - i) * day);
    for (const path of [
      cache.blobs.pathOf(own.digest),
      cache.blobs.pathOf(tree),
      manifestPath(cache.folder, trace),
    ])
      await utimes(path, made, made);
  }
  const old = new Date(Date.now() - 14 * day);
  await utimes(cache.blobs.pathOf(shared.digest), old, old);
  return { folder, cache };
}

function left(cache: Cache): readonly string[] {
  return words.filter((word) => cache.traces.find(keyOf(word)).length > 0);
}

async function collect(cache: Cache, limits: Partial<CollectLimits>) {
  const { results, blobs } = await collectGarbage(cache, { maxBytes: 1e9, ...limits });
  return { results: results.removed, blobs: blobs.removed, left: left(cache) };
}

test("within its limits a cache is left as it is", async (t) => {
  const { cache } = await filled(t);
  assert.deepEqual(await collect(cache, {}), { results: 0, blobs: 0, left: words });
});

test("the least recently used results leave until the rest fits, with the blobs that only they need", async (t) => {
  const { cache } = await filled(t);
  // Used now, and so the last to go.
  cache.leases.inUse(keyOf("ash"), () => [1]);
  const report = await collectGarbage(cache, { maxBytes: 3500 });
  assert.deepEqual(left(cache), ["ash", "yew"]);
  assert.deepEqual(report.results, { removed: 2, kept: 2 });
  assert.deepEqual(report.blobs, { removed: 4, kept: 5 });
  assert.ok(report.bytes.kept <= 3500 && report.bytes.removed > 2000, JSON.stringify(report));
  assert.deepEqual(
    [exitBitsOf(await verifyCache(cache)), (await readdir(cache.folder.temporary)).length],
    [0, 0],
  );
});

test("results that nobody used for the given time leave, whatever the size", async (t) => {
  const { cache } = await filled(t);
  const outcome = await collect(cache, { maxAgeMilliseconds: 12.5 * day });
  assert.deepEqual(outcome, { results: 2, blobs: 4, left: ["oak", "yew"] });
  assert.deepEqual(await collect(cache, { maxAgeMilliseconds: day }), {
    results: 2,
    blobs: 5,
    left: [],
  });
});

test("a dry run says the same and removes nothing", async (t) => {
  const { cache } = await filled(t);
  const dry = await collectGarbage(cache, { maxBytes: 0, dryRun: true });
  assert.deepEqual([left(cache), (await verifyCache(cache)).blobs.intact], [words, 9]);
  assert.deepEqual(await collectGarbage(cache, { maxBytes: 0 }), dry);
  assert.deepEqual([left(cache), (await verifyCache(cache)).blobs.intact], [[], 0]);
});

test("what a lockfile names stays, in any state of the file; so does what the cache remembers of other projects", async (t) => {
  const { folder, cache } = await filled(t);
  const here = join(folder, "here.lock.yaml");
  await writeFile(here, `<<<<<<< ours\n    key: ${keyOf("elm")}\n=======\n`);
  await mkdir(join(folder, "other"));
  const there = join(folder, "other", "there.lock.yaml");
  await writeFile(there, `    key: "${keyOf("oak")}"\n`);
  cache.roots.add(there);
  cache.roots.add(join(folder, "gone.lock.yaml"));
  const report = await collectGarbage(cache, { maxBytes: 0, lockfiles: [here] });
  assert.deepEqual(left(cache), ["elm", "oak"]);
  assert.equal(report.protected, 2);
});

test("a lockfile that cannot be read stops the collection before anything is removed", async (t) => {
  const { folder, cache } = await filled(t);
  await assert.rejects(collectGarbage(cache, { maxBytes: 0, lockfiles: [folder] }), {
    code: "cache-io",
  });
  assert.deepEqual(left(cache), words);
});

test("what was made or used since the oldest running pipeline started stays", async (t) => {
  let now = Date.now() - 11.5 * day;
  const { cache } = await filled(t, () => now);
  const lease = cache.leases.take();
  now = Date.now();
  // A sign of life, as it comes every few seconds.
  cache.index((prepare) => void prepare("UPDATE leases SET beat = ?").run(now));
  assert.deepEqual(await collect(cache, { maxBytes: 0 }), { results: 3, blobs: 6, left: ["yew"] });
  lease.release();
  assert.deepEqual(await collect(cache, { maxBytes: 0 }), { results: 1, blobs: 3, left: [] });
});

test("blobs that no trace names yet stay while they are young, and a blob put again is young", async (t) => {
  const { cache } = await filled(t);
  const put = (content: string): Promise<Digest> => cache.blobs.put(Buffer.from(content));
  const young = await put("a result in the making");
  const again = await cache.blobs.put(Buffer.alloc(1000, "ash"));
  await collectGarbage(cache, { maxBytes: 0 });
  assert.deepEqual(
    [left(cache), await cache.blobs.has(young), await cache.blobs.has(again)],
    [[], true, true],
  );
});

test("old logs and old quarantined files are removed, young ones kept", async (t) => {
  const { cache } = await filled(t);
  const { logs, quarantine } = cache.folder;
  const old = new Date(Date.now() - 40 * day);
  await mkdir(join(logs, "old-run"));
  await mkdir(join(logs, "young-run"));
  await writeFile(join(logs, "old-run", "train.log"), "loss\n");
  await writeFile(join(quarantine, "old"), "");
  await writeFile(join(quarantine, "young"), "");
  for (const path of [
    join(logs, "old-run", "train.log"),
    join(logs, "old-run"),
    join(quarantine, "old"),
  ])
    await utimes(path, old, old);
  await collectGarbage(cache, { maxBytes: 1e9 });
  assert.deepEqual([await readdir(logs), await readdir(quarantine)], [["young-run"], ["young"]]);
});

test("what an export copies is not collected before it ends", async (t) => {
  const project = await temporaryFolder(t);
  await prepareExport(project, nodeFileSystem);
  const cache = await openCache(join(project, ".tunesmith"), { graceMilliseconds: 0 });
  t.after(() => cache.close());
  let collections = 0;
  await exportTwice(project, {
    ...nodeFileSystem,
    async copy(from, to) {
      collections++;
      await collectGarbage(cache, { maxBytes: 0 });
      await nodeFileSystem.copy(from, to);
    },
  });
  assert.equal(collections, 6);
  await assertExported(project, "beside a collection");
  assert.equal((await collectGarbage(cache, { maxBytes: 0 })).results.removed, 1);
});
