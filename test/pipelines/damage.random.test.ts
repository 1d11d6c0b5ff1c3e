import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { openCache } from "../../cache/open-cache.ts";
import { exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import { ProjectRig } from "../rig/project-rig.ts";
import { smallData, smallPipeline } from "../rig/small-pipeline.ts";

const CACHE = ".tunesmith";

/** Paths of the blobs that the locked outputs are made of: their trees and all files, but empty ones. */
async function blobsOf(folder: string, lock: string): Promise<string[]> {
  const { stages } = parse(lock) as { stages: Record<string, { outputs: Record<string, string> }> };
  const pathOf = (digest: string) =>
    join(folder, CACHE, "blobs", digest.slice(7, 9), digest.slice(9));
  const digests = new Set<string>();
  for (const digest of Object.values(stages).flatMap(({ outputs }) => Object.values(outputs))) {
    digests.add(digest);
    const tree = JSON.parse(await readFile(pathOf(digest), "utf8")) as {
      files: Record<string, { digest: string; bytes: number }>;
    };
    for (const file of Object.values(tree.files)) if (file.bytes > 0) digests.add(file.digest);
  }
  return [...digests].sort().map(pathOf);
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

test("a flipped bit in any blob of the outputs is found and healed by the next run", async (t) => {
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
  const blobs = await blobsOf(rig.folder, lock);
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
