import assert from "node:assert/strict";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openCache } from "../../cache/open-cache.ts";
import { exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import { generator } from "../rig/case-data.ts";
import { outcomeOf, pickSome } from "../rig/crash-points.ts";
import {
  assertExported,
  assertExportsWhole,
  exportTwice,
  prepareExport,
} from "../rig/export-scene.ts";
import { type LossPattern, layOut, powerLossFileSystem } from "../rig/power-loss-file-system.ts";
import { runSevenStages } from "../rig/seven-stages.ts";
import { memoryFolder, temporaryFolder } from "../rig/temporary-folder.ts";
import { unsyncedFileSystem } from "../rig/unsynced-file-system.ts";

const seed = Number(process.env.TUNESMITH_TEST_SEED ?? Date.now() % 1e9);
/** How many moments are tried; with TUNESMITH_TEST_RUNS each. */
const some = Number(process.env.TUNESMITH_TEST_RUNS ?? 1) > 1 ? Number.POSITIVE_INFINITY : 40;

const patterns = ["lost", "hollow", "torn"] satisfies readonly LossPattern[];

for (const pattern of patterns) {
  test(`a power cut during a run, ${pattern}: nothing damaged is used, and the next run gives what an undisturbed one gives`, async (t) => {
    const folder = await temporaryFolder(t, {}, { parent: memoryFolder });
    const project = join(folder, "undisturbed");
    await mkdir(project);
    const { fileSystem, cuts } = powerLossFileSystem(project);
    await runSevenStages({ project, fileSystem });
    const expected = await outcomeOf(project);
    const moments = pickSome(cuts.length, some, generator(seed));
    t.diagnostic(`seed ${seed}, ${moments.length} of ${cuts.length} moments`);
    for (const moment of moments) {
      const cut = cuts[moment - 1]!;
      const about = `seed ${seed}, ${pattern}, cut ${moment} after ${cut.call}`;
      const place = join(folder, `${moment}`);
      layOut(cut[pattern], place);
      const { failed } = await runSevenStages({ project: place, fileSystem: unsyncedFileSystem });
      assert.deepEqual(failed, [], about);
      const [lock, text] = await outcomeOf(place);
      assert.deepEqual([lock, text], expected.slice(0, 2), about);
      const cache = await openCache(join(place, ".tunesmith"));
      // What the cut damaged and nobody needed is found by the first check, and gone at the second.
      assert.equal(exitBitsOf(await verifyCache(cache)) & 4, 0, about);
      assert.equal(exitBitsOf(await verifyCache(cache)), 0, about);
      cache.close();
      await rm(place, { recursive: true });
    }
  });
}

test("a power cut during an export: the folder is there whole or not at all, and exporting again completes it", async (t) => {
  const folder = await temporaryFolder(t, {}, { parent: memoryFolder });
  const project = join(folder, "undisturbed");
  await mkdir(project);
  const { fileSystem, cuts } = powerLossFileSystem(project);
  await prepareExport(project, fileSystem);
  const prepared = cuts.length;
  await exportTwice(project, fileSystem);
  const moments = pickSome(cuts.length - prepared, some, generator(seed));
  t.diagnostic(
    `seed ${seed}, ${moments.length} of ${cuts.length - prepared} moments, 3 disks each`,
  );
  for (const moment of moments) {
    for (const pattern of patterns) {
      const cut = cuts[prepared + moment - 1]!;
      const about = `seed ${seed}, ${pattern}, cut ${moment} after ${cut.call}`;
      const place = join(folder, `${moment} ${pattern}`);
      layOut(cut[pattern], place);
      await assertExportsWhole(place, about);
      if (moment === cuts.length - prepared) await assertExported(place, about);
      await exportTwice(place, unsyncedFileSystem);
      await assertExported(place, about);
      await rm(place, { recursive: true });
    }
  }
});
