import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type Cache, openCache } from "../../cache/open-cache.ts";
import { exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import { outcomeOf, pathsBelow } from "../rig/crash-points.ts";
import { mutations, pickTwo, randomFrom } from "../rig/mutations.ts";
import { createIdentity, remoteOf } from "../rig/remote-machines.ts";
import { startRemoteServer } from "../rig/remote-server.ts";
import { buildSevenStages, type SevenStagesRun } from "../rig/seven-stages.ts";
import { memoryFolder, temporaryFolder } from "../rig/temporary-folder.ts";
import { unsyncedFileSystem } from "../rig/unsynced-file-system.ts";

const rounds = Number(process.env.TUNESMITH_TEST_RUNS ?? 1) > 1 ? 1000 : 120;
const seed = Number(process.env.TUNESMITH_TEST_SEED ?? Date.now() % 1e9);
const all = ["rows", "clean", "left", "right", "tokens", "train", "save"];

/** What is damaged in the cache, and what the next run does: make results again, fetch them, or know them from elsewhere. */
const targets = {
  "a blob": { folder: "blobs", heals: "executes" },
  "a blob that a remote cache has": { folder: "blobs", heals: "fetches" },
  "a manifest": { folder: "manifests", heals: "knows" },
  "a manifest, and the index is gone": { folder: "manifests", heals: "executes" },
  "the index": { folder: ".", heals: "knows" },
  "the record of what was placed": { folder: "placed", heals: "knows" },
} as const;

for (const [what, { folder, heals }] of Object.entries(targets)) {
  test(`${what}: whatever damages it is found before use, and the next run ends as if nothing had happened`, async (t) => {
    const random = randomFrom(seed);
    const project = await temporaryFolder(t, {}, { parent: memoryFolder });
    const root = join(project, ".tunesmith");
    await using server = await startRemoteServer();
    const identity = createIdentity();
    const remote = { folder: project, url: server.url, trusted: [identity] };
    const run = (uses: boolean, pushes = {}) =>
      withCache<SevenStagesRun>(root, (cache) =>
        buildSevenStages(cache, {
          project,
          ...(uses && { remoteOf: (_, say) => remoteOf(cache, { ...remote, ...pushes }, say) }),
        }),
      );
    assert.deepEqual((await run(true, { identity })).executed, all);
    const expected = await outcomeOf(project);
    const trusted = new Set([identity.publicKey]);
    const check = () =>
      withCache(root, async (cache) => exitBitsOf(await verifyCache(cache, { trusted })));
    let quarantined = 0;
    const names = Object.keys(mutations).filter((name) => folder !== "." || name !== "swaps two");
    const count = Math.ceil(rounds / Object.keys(targets).length);
    for (let round = 0; round < count; round++) {
      const how = names[round % names.length]!;
      const about = `seed ${seed}, round ${round}: ${how}`;
      const paths = await pathsIn(root, folder);
      const chosen =
        paths.length > 1 && folder !== "."
          ? pickTwo(paths, random)
          : ([paths[0]!, join(project, "test.tune.lock.yaml")] as const);
      const before = (await readdir(join(root, "quarantine"))).length;
      await mutations[how]!(chosen, random);
      if (what.endsWith("the index is gone")) await removeIndex(root);
      const { executed, failed } = await run(heals === "fetches");
      assert.deepEqual([failed, executed.length > 0], [[], heals === "executes"], about);
      assert.deepEqual(await outcomeOf(project), expected, about);
      const first = await check();
      if (folder === "blobs") assert.equal(first, 0, about);
      assert.equal(await check(), 0, about);
      const kept = (await readdir(join(root, "quarantine"))).length - before;
      const isKept = folder === "blobs" || folder === "manifests";
      if (isKept && how !== "removes it") assert.ok(kept > 0, `${about}: nothing in quarantine`);
      quarantined += kept;
    }
    t.diagnostic(`seed ${seed}, ${count} damages, ${quarantined} files in quarantine`);
  });
}

async function withCache<T>(root: string, work: (cache: Cache) => Promise<T>): Promise<T> {
  const cache = await openCache(root, { fileSystem: unsyncedFileSystem });
  try {
    return await work(cache);
  } finally {
    cache.close();
  }
}

async function pathsIn(root: string, folder: string): Promise<readonly string[]> {
  return folder === "." ? [join(root, "index.sqlite")] : pathsBelow(join(root, folder));
}

async function removeIndex(root: string): Promise<void> {
  for (const ending of ["", "-wal", "-shm"])
    await rm(join(root, `index.sqlite${ending}`), { force: true });
}
