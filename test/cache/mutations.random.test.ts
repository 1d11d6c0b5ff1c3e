import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { BlobCorrupt, BlobMissing } from "../../cache/cache-error.ts";
import type { Digest } from "../../cache/digest.ts";
import { type Cache, openCache } from "../../cache/open-cache.ts";
import type { Trace } from "../../cache/trace-store.ts";
import { exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import { pathsBelow } from "../rig/crash-points.ts";
import { mutations, pickTwo, type Random, randomFrom } from "../rig/mutations.ts";
import { sampleTrace, treeBytes } from "../rig/sample-trace.ts";
import { memoryFolder, temporaryFolder } from "../rig/temporary-folder.ts";
import { unsyncedFileSystem } from "../rig/unsynced-file-system.ts";

const rounds = 60 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);
const seed = Number(process.env.TUNESMITH_TEST_SEED ?? Date.now() % 1e9);

// Damage, not power cuts: nothing needs to reach a disk.
const fileSystem = unsyncedFileSystem;
const folderFor = (t: TestContext) => temporaryFolder(t, {}, { parent: memoryFolder });

function seeded(t: { diagnostic(text: string): void }): Random {
  t.diagnostic(`seed ${seed}`);
  return randomFrom(seed);
}

/** Every blob's bytes by digest, and every trace, of a cache in which all is well. */
interface Contents {
  readonly blobs: Map<Digest, Buffer>;
  readonly traces: Trace[];
}

async function fill(cache: Cache): Promise<Contents> {
  const contents: Contents = { blobs: new Map(), traces: [] };
  const put = async (bytes: Buffer) => {
    const digest = await cache.blobs.put(bytes);
    contents.blobs.set(digest, bytes);
    return { digest, bytes: bytes.byteLength };
  };
  for (let i = 0; i < 8; i++) {
    const rows = await put(Buffer.from(`rows of ${i}`));
    const large = await put(Buffer.alloc(100_000 + i, `large ${i}`));
    const tree = await put(treeBytes({ "rows.jsonl": rows, "weights.bin": large }));
    const trace = sampleTrace(`stage ${i}`, { outputs: { model: tree.digest } });
    await cache.traces.record(trace);
    contents.traces.push(trace);
  }
  return contents;
}

async function heal(cache: Cache, { blobs, traces }: Contents): Promise<void> {
  for (const bytes of blobs.values()) await cache.blobs.put(bytes);
  for (const trace of traces) await cache.traces.record(trace);
}

/**
 * Uses all there is. Returns the digests that were refused; fails if anything else than the right
 * bytes came out.
 */
async function useAll(cache: Cache, { blobs, traces }: Contents): Promise<Digest[]> {
  for (const trace of traces) {
    const found = cache.traces.find(trace.key);
    if (found.length > 0) assert.deepEqual(found, [trace]);
  }
  const refused: Digest[] = [];
  for (const [digest, bytes] of blobs) {
    try {
      assert.deepEqual(Buffer.from(await cache.blobs.read(digest)), bytes);
    } catch (error) {
      if (!(error instanceof BlobCorrupt || error instanceof BlobMissing)) throw error;
      refused.push(digest);
    }
  }
  return refused;
}

test("any damage to a blob is found before use and healed by putting it again", async (t) => {
  const random = seeded(t);
  const cache = await openCache(join(await folderFor(t), "cache"), { fileSystem });
  t.after(() => cache.close());
  const contents = await fill(cache);
  const names = Object.keys(mutations);
  for (let round = 0; round < rounds; round++) {
    const name = names[round % names.length]!;
    const paths = pickTwo(await pathsBelow(cache.folder.blobs), random);
    await mutations[name]!(paths, random);
    const refused = await useAll(cache, contents);
    const expected = name === "swaps two" ? [...paths] : paths.slice(0, 1);
    const about = `round ${round} ${name}: ${paths[0]}`;
    assert.deepEqual(
      refused.map((digest) => cache.blobs.pathOf(digest)).sort(),
      expected.sort(),
      about,
    );
    await heal(cache, contents);
    assert.deepEqual(await useAll(cache, contents), [], about);
  }
  assert.equal(exitBitsOf(await verifyCache(cache)), 0);
});

for (const hasIndex of [true, false]) {
  test(`any damage to a manifest is found, ${hasIndex ? "and mended from the index" : "without the index too"}`, async (t) => {
    const random = seeded(t);
    const root = join(await folderFor(t), "cache");
    let cache = await openCache(root, { fileSystem });
    t.after(() => cache.close());
    const contents = await fill(cache);
    const names = Object.keys(mutations);
    for (let round = 0; round < rounds / 2; round++) {
      const name = names[round % names.length]!;
      const paths = pickTwo(await pathsBelow(cache.folder.manifests), random);
      await mutations[name]!(paths, random);
      const damaged = name === "removes it" ? 0 : name === "swaps two" ? 2 : 1;
      if (!hasIndex) {
        cache.close();
        for (const file of ["", "-wal", "-shm"])
          await rm(`${cache.folder.index}${file}`, { force: true });
        cache = await openCache(root, { fileSystem });
      }
      const about = `round ${round} ${name}: ${paths[0]}`;
      const found = contents.traces.filter(({ key }) => cache.traces.find(key).length === 1).length;
      const lost = hasIndex ? 0 : name === "removes it" ? 1 : damaged;
      assert.equal(found, contents.traces.length - lost, about);
      assert.deepEqual(await useAll(cache, contents), [], about);
      const { manifests } = await verifyCache(cache);
      assert.equal(manifests.corrupt.length, hasIndex ? damaged : 0, about);
      assert.equal(manifests.restored, hasIndex ? Math.max(1, damaged) : 0, about);
      await heal(cache, contents);
      assert.equal(exitBitsOf(await verifyCache(cache)), 0, about);
    }
  });
}

test("any damage to the index changes nothing that is found", async (t) => {
  const random = seeded(t);
  const root = join(await folderFor(t), "cache");
  let cache = await openCache(root, { fileSystem });
  const contents = await fill(cache);
  const { index } = cache.folder;
  cache.close();
  const sound = await readFile(index);
  const other = join(root, "..", "other");
  await writeFile(other, "SQLite format 3\0, or not");
  const names = Object.keys(mutations).filter((name) => name !== "swaps two");
  for (let round = 0; round < rounds; round++) {
    await rm(index, { recursive: true, force: true });
    for (const file of ["-wal", "-shm"])
      await rm(`${index}${file}`, { recursive: true, force: true });
    await writeFile(index, sound);
    // Half of the rounds flip a bit: there are more ways to.
    const name = round % 2 === 0 ? "flips a bit" : names[(round >> 1) % names.length]!;
    await mutations[name]!([index, other], random);
    const about = `round ${round} ${name}`;
    cache = await openCache(root, { fileSystem });
    for (const trace of contents.traces)
      assert.deepEqual(cache.traces.find(trace.key), [trace], about);
    const added = sampleTrace(`round ${round}`, { outputs: contents.traces[0]!.outputs });
    await cache.traces.record(added);
    assert.deepEqual(cache.traces.find(added.key), [added], about);
    await cache.traces.forget(added);
    assert.deepEqual(cache.traces.find(added.key), [], about);
    cache.close();
  }
});
