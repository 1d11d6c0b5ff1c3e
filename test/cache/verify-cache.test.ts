import assert from "node:assert/strict";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Digest, hexOf } from "../../cache/digest.ts";
import { manifestPath } from "../../cache/manifest-files.ts";
import { type Cache, openCache } from "../../cache/open-cache.ts";
import { seal } from "../../cache/sealed-json.ts";
import { exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import { keyOf, sampleTrace, treeBytes } from "../rig/sample-trace.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

async function filled(t: TestContext) {
  const cache = await openCache(join(await temporaryFolder(t), "cache"));
  t.after(() => cache.close());
  const stages = [await addStage(cache, "clean"), await addStage(cache, "train")];
  return { cache, clean: stages[0]!, train: stages[1]! };
}

async function addStage(cache: Cache, word: string) {
  const file = await cache.blobs.put(Buffer.from(`file of ${word}`));
  const tree = await cache.blobs.put(treeBytes({ file: { digest: file, bytes: 10 } }));
  const trace = sampleTrace(word, { outputs: { out: tree } });
  await cache.traces.record(trace);
  return { file, tree, trace };
}

const relative = (digest: Digest) =>
  join("blobs", hexOf(digest).slice(0, 2), hexOf(digest).slice(2));

test("a sound cache is found sound", async (t) => {
  const { cache } = await filled(t);
  let blobs = 0;
  const report = await verifyCache(cache, { onProgress: () => blobs++ });
  assert.deepEqual(report, {
    blobs: { intact: 4, corrupt: [] },
    manifests: { intact: 2, corrupt: [], restored: 0, foreign: 0, dropped: [] },
    untrusted: [],
    failures: [],
  });
  assert.equal(exitBitsOf(report), 0);
  assert.equal(blobs, 4);
});

test("a corrupt file of an output goes to quarantine and its trace is dropped", async (t) => {
  const { cache, clean, train } = await filled(t);
  await rm(cache.blobs.pathOf(train.file));
  await writeFile(cache.blobs.pathOf(train.file), "damaged");
  const report = await verifyCache(cache);
  assert.deepEqual(report.blobs, { intact: 3, corrupt: [relative(train.file)] });
  assert.deepEqual(report.manifests.dropped, [{ key: train.trace.key, missing: train.file }]);
  assert.equal(exitBitsOf(report), 1);
  assert.deepEqual(cache.traces.find(train.trace.key), []);
  assert.deepEqual(cache.traces.find(clean.trace.key), [clean.trace]);
  assert.equal((await readdir(cache.folder.quarantine)).length, 1);
  assert.equal(exitBitsOf(await verifyCache(cache)), 0);
});

test("a trace whose tree is missing is dropped", async (t) => {
  const { cache, clean } = await filled(t);
  await rm(cache.blobs.pathOf(clean.tree));
  const report = await verifyCache(cache);
  assert.deepEqual(report.manifests.dropped, [{ key: clean.trace.key, missing: clean.tree }]);
  assert.equal(exitBitsOf(report), 1);
});

test("a corrupt manifest is written again if the index knows it, else lost", async (t) => {
  const { cache, clean, train } = await filled(t);
  await writeFile(manifestPath(cache.folder, clean.trace), "damaged");
  const restored = (await verifyCache(cache)).manifests;
  assert.deepEqual([restored.intact, restored.corrupt.length, restored.restored], [1, 1, 1]);
  assert.equal((await verifyCache(cache)).manifests.intact, 2);
  cache.close();
  await rm(cache.folder.index);
  await writeFile(manifestPath(cache.folder, clean.trace), "damaged");
  const next = await openCache(cache.folder.root);
  t.after(() => next.close());
  assert.deepEqual(next.traces.find(clean.trace.key), []);
  assert.deepEqual(next.traces.find(train.trace.key), [train.trace]);
});

test("files that are no blobs are moved out of the way", async (t) => {
  const { cache } = await filled(t);
  await writeFile(join(cache.folder.blobs, "notes.txt"), "x");
  await mkdir(join(cache.folder.blobs, "ab"), { recursive: true });
  await writeFile(join(cache.folder.blobs, "ab", "notes.txt"), "x");
  const report = await verifyCache(cache);
  assert.deepEqual([...report.blobs.corrupt].sort(), ["blobs/ab/notes.txt", "blobs/notes.txt"]);
  assert.equal(report.blobs.intact, 4);
  assert.equal(exitBitsOf(await verifyCache(cache)), 0);
});

test("manifests of another version are left alone and never found", async (t) => {
  const { cache, clean } = await filled(t);
  const path = manifestPath(cache.folder, sampleTrace("foreign", { outputs: clean.trace.outputs }));
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, seal({ format: 2, anything: ["else"] }));
  const report = await verifyCache(cache);
  assert.deepEqual(
    [report.manifests.foreign, report.manifests.intact, exitBitsOf(report)],
    [1, 2, 0],
  );
  assert.deepEqual(cache.traces.find(keyOf("foreign")), []);
});

test("a manifest that is well sealed but names no digests is corrupt", async (t) => {
  const { cache } = await filled(t);
  const trace = sampleTrace("evil");
  const path = manifestPath(cache.folder, trace);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(
    path,
    seal({ ...trace, outputs: { rows: "sha256:../../../etc/passwd" }, format: 1 }),
  );
  assert.deepEqual(cache.traces.find(trace.key), []);
  assert.equal((await readdir(cache.folder.quarantine)).length, 1);
});
