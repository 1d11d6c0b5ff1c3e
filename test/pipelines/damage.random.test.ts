import assert from "node:assert/strict";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openCache } from "../../cache/open-cache.ts";
import { exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import { ProjectRig } from "../rig/project-rig.ts";
import { smallData, smallPipeline } from "../rig/small-pipeline.ts";

const CACHE = ".tunesmith";

/** Paths of all blobs that have at least one byte. */
async function blobsIn(folder: string): Promise<string[]> {
  const root = join(folder, CACHE, "blobs");
  const names = (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const sizes = await Promise.all(names.map(async (name) => (await readFile(name)).length));
  return names.filter((_, index) => sizes[index]! > 0);
}

/** Flips one bit of a file, as a bad disk would: the file keeps its size and name. */
async function flipBit(path: string, position: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[Math.floor(position * bytes.length)]! ^= 1 << (Math.floor(position * 1000) % 8);
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}

async function assertSound(folder: string): Promise<void> {
  const cache = await openCache(join(folder, CACHE));
  try {
    assert.equal(exitBitsOf(await verifyCache(cache)), 0);
  } finally {
    cache.close();
  }
}

test("a flipped bit in any blob is found and healed by the next run", async (t) => {
  const seed = Number(process.env.TUNESMITH_TEST_SEED ?? Date.now() % 2 ** 31);
  const flips = 10 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);
  t.diagnostic(`seed ${seed}, ${flips} single flips, then one in every blob`);
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  await using rig = await ProjectRig.create({
    "data.csv": smallData,
    "x.tune.yaml": smallPipeline,
  });
  await rig.run(["x.tune.yaml"]);
  const lock = await rig.read("x.tune.lock.yaml");
  const blobs = await blobsIn(rig.folder);
  const heal = async (where: string) => {
    const { exitCode, executed } = await rig.run(["x.tune.yaml"]);
    assert.equal(exitCode, 0, where);
    assert.ok(executed.length > 0, `${where}: nothing was made again`);
    assert.equal(await rig.read("x.tune.lock.yaml"), lock, where);
    await assertSound(rig.folder);
  };
  for (let n = 0; n < flips; n++) {
    const blob = blobs[Math.floor(random() * blobs.length)]!;
    await flipBit(blob, random());
    await heal(`flip ${n} in ${blob}`);
  }
  for (const blob of blobs) await flipBit(blob, random());
  await heal("a flip in every blob");
});
