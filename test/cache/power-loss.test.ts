import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { BlobCorrupt, BlobMissing } from "../../cache/cache-error.ts";
import type { Digest } from "../../cache/digest.ts";
import { writeFileDurably } from "../../cache/durable-file.ts";
import { type Cache, openCache } from "../../cache/open-cache.ts";
import { exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import { layOut, powerLossFileSystem } from "../rig/power-loss-file-system.ts";
import { keyOf, sampleTrace, treeBytes } from "../rig/sample-trace.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const contents = {
  rows: Buffer.from("the rows"),
  weights: Buffer.alloc(70_000, "weights"),
  more: Buffer.from("more"),
};

async function* streamed(bytes: Uint8Array) {
  yield bytes;
}

/**
 * Builds two stages, and says after which of the calls each was recorded and the lock was written.
 */
async function work(root: string, { fileSystem, cuts }: ReturnType<typeof powerLossFileSystem>) {
  const cache = await openCache(join(root, "cache"), { fileSystem });
  const rows = { digest: await cache.blobs.put(contents.rows), bytes: 8 };
  const weights = { digest: await cache.blobs.put(streamed(contents.weights)), bytes: 70_000 };
  const model = await cache.blobs.put(treeBytes({ rows, weights }));
  await cache.traces.record(sampleTrace("train", { outputs: { model } }));
  const trained = cuts.length;
  await cache.blobs.materialize(weights.digest, join(root, "out", "weights"));
  await writeFileDurably(join(root, "a.lock"), "train\n", { fileSystem });
  const locked = cuts.length;
  const more = { digest: await cache.blobs.put(contents.more), bytes: 4 };
  const report = await cache.blobs.put(treeBytes({ rows, more }));
  await cache.traces.record(sampleTrace("evaluate", { outputs: { report } }));
  await writeFileDurably(join(root, "a.lock"), "train\nevaluate\n", { fileSystem });
  cache.close();
  return { trained, locked, trees: { train: model, evaluate: report } };
}

async function isWhole(cache: Cache, tree: Digest): Promise<boolean> {
  try {
    const { files } = JSON.parse(Buffer.from(await cache.blobs.read(tree)).toString());
    for (const [name, bytes] of Object.entries(contents)) {
      if (name in files)
        assert.deepEqual(Buffer.from(await cache.blobs.read(files[name].digest)), bytes);
    }
    return true;
  } catch (error) {
    if (error instanceof BlobCorrupt || error instanceof BlobMissing) return false;
    throw error;
  }
}

test("a power cut at any moment loses nothing recorded and lets nothing half-written be used", async (t) => {
  const folder = await temporaryFolder(t);
  const root = join(folder, "project");
  layOut(new Map(), root);
  const loss = powerLossFileSystem(root);
  const { trained, locked, trees } = await work(root, loss);
  t.diagnostic(`${loss.cuts.length} moments, three disks each`);
  for (const [i, cut] of loss.cuts.entries()) {
    for (const kind of ["lost", "hollow", "torn"] as const) {
      const place = join(folder, `${i} ${kind}`);
      const about = `cut ${i}, after ${cut.call}, ${kind}`;
      layOut(cut[kind], place);
      const cache = await openCache(join(place, "cache"));
      const whole: string[] = [];
      for (const [word, tree] of Object.entries(trees)) {
        const [trace] = cache.traces.find(keyOf(word));
        if (trace === undefined) continue;
        assert.deepEqual(trace, sampleTrace(word, { outputs: trace.outputs }), about);
        // Published after its blobs: a trace that is found is whole.
        assert.equal(await isWhole(cache, tree), true, about);
        whole.push(word);
      }
      if (i + 1 >= trained) assert.ok(whole.includes("train"), about);
      if (i + 1 === loss.cuts.length) assert.deepEqual(whole, ["train", "evaluate"], about);
      assert.equal(exitBitsOf(await verifyCache(cache)) & 4, 0, about);
      assert.equal(exitBitsOf(await verifyCache(cache)), 0, about);
      cache.close();
      const lock = await readFile(join(place, "a.lock"), "utf8").catch(() => "none");
      const possible = i + 1 < trained ? ["none"] : ["none", "train\n", "train\nevaluate\n"];
      assert.ok(possible.includes(lock), `${about}: ${lock}`);
      if (i + 1 >= locked) assert.notEqual(lock, "none", about);
      const placed = await readFile(join(place, "out", "weights")).catch(() => contents.weights);
      assert.deepEqual(placed, contents.weights, about);
    }
  }
});
