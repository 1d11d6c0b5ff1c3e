import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { CacheError } from "../../cache/cache-error.ts";
import type { FileSystem } from "../../cache/file-system.ts";
import { type Cache, openCache } from "../../cache/open-cache.ts";
import { exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import { faultyFileSystem } from "../rig/faulty-file-system.ts";
import { keyOf, sampleTrace, treeBytes } from "../rig/sample-trace.ts";
import { temporaryFolder } from "../rig/temporary-folder.ts";

const rows = Buffer.from("the rows");
const weights = Buffer.alloc(100_000, "weights");

/** What a run does to the cache, from opening an empty one to placing a file in the workspace. */
async function useCache(project: string, fileSystem?: FileSystem): Promise<void> {
  const cache = await openCache(join(project, "cache"), fileSystem ? { fileSystem } : {});
  try {
    await cache.files.ofFile(join(project, "data.csv"));
    const files = {
      rows: { digest: await cache.blobs.put(rows), bytes: rows.byteLength },
      weights: { digest: await cache.blobs.put(streamed(weights)), bytes: weights.byteLength },
      data: { digest: await cache.blobs.putFile(join(project, "data.csv")), bytes: 8 },
    };
    const tree = await cache.blobs.put(treeBytes(files));
    await cache.traces.record(sampleTrace("train", { outputs: { model: tree } }));
    await cache.blobs.materialize(files.weights.digest, join(project, "out", "weights"));
  } finally {
    cache.close();
  }
}

async function* streamed(bytes: Uint8Array) {
  yield bytes;
}

async function project(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  await writeFile(join(path, "data.csv"), "text\nhi\n");
  return path;
}

/**
 * Fails unless a trace that is found is whole, nothing is damaged, and the user's files are as they
 * were.
 */
async function assertSound(path: string): Promise<void> {
  assert.equal(await readFile(join(path, "data.csv"), "utf8"), "text\nhi\n");
  const cache: Cache = await openCache(join(path, "cache"));
  try {
    const report = await verifyCache(cache);
    assert.equal(exitBitsOf(report), 0, JSON.stringify(report));
    assert.equal(cache.traces.find(keyOf("train")).length, report.manifests.intact);
  } finally {
    cache.close();
  }
  const placed = await readFile(join(path, "out", "weights")).catch(() => weights);
  assert.deepEqual(placed, weights);
}

for (const how of ["once", "dead"] as const) {
  const codes = how === "once" ? ["EIO", "ENOSPC", "EROFS", "EMFILE"] : ["EIO"];
  test(`${how === "once" ? "an error at" : "death at"} any file call leaves a sound cache, and a second try works`, async (t) => {
    const folder = await temporaryFolder(t);
    const counting = faultyFileSystem();
    await useCache(await project(folder, "whole"), counting.fileSystem);
    await assertSound(join(folder, "whole"));
    t.diagnostic(`${counting.calls} calls`);
    for (let at = 1; at <= counting.calls; at++) {
      const path = await project(folder, `${at}`);
      const faulty = faultyFileSystem({ at, how, code: codes[at % codes.length]! });
      const outcome = await useCache(path, faulty.fileSystem).catch((error: unknown) => error);
      const about = `call ${at}, ${faulty.names[at - 1]}`;
      if (outcome !== undefined) {
        assert.ok(outcome instanceof CacheError, `${about}: ${outcome}`);
        assert.equal(outcome.code, "cache-io", about);
        assert.notEqual(outcome.hint, "", about);
      }
      await assertSound(path);
      await useCache(path);
      await assertSound(path);
      if (how === "once") {
        const left = await readdir(join(path, "cache", "tmp"));
        assert.ok(left.length <= (faulty.names[at - 1] === "unlink" ? 1 : 0), about);
      }
    }
  });
}
