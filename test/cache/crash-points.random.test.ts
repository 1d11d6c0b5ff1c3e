import assert from "node:assert/strict";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openCache } from "../../cache/open-cache.ts";
import { exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import { generator } from "../rig/case-data.ts";
import { type CrashScene, crashScenes, outcomeOf, pickSome } from "../rig/crash-points.ts";
import { faultyFileSystem } from "../rig/faulty-file-system.ts";
import { runSevenStages } from "../rig/seven-stages.ts";
import { memoryFolder, temporaryFolder } from "../rig/temporary-folder.ts";
import { unsyncedFileSystem } from "../rig/unsynced-file-system.ts";

const seed = Number(process.env.TUNESMITH_TEST_SEED ?? Date.now() % 1e9);
/** How many calls of each scene are tried: 230 in all; with TUNESMITH_TEST_RUNS every call. */
const scenes = { cold: 80, warm: 20, changed: 60, gc: 40, export: 30 };
const isTorture = Number(process.env.TUNESMITH_TEST_RUNS ?? 1) > 1;

for (const [name, some] of Object.entries(scenes)) {
  test(`${name}: dead at any file call, the cache is sound and the next run gives what an undisturbed one gives`, async (t) => {
    t.diagnostic(`seed ${seed}`);
    const folder = await temporaryFolder(t, {}, { parent: memoryFolder });
    const scene = crashScenes[name]!;
    const expected = await undisturbed(scene, join(folder, "undisturbed"));
    const calls = expected.calls;
    const points = pickSome(calls, isTorture ? calls : some, generator(seed));
    t.diagnostic(`${points.length} of ${calls} calls`);
    for (const at of points) {
      const project = join(folder, `${at}`);
      await mkdir(project);
      await scene.prepare(project);
      const dead = faultyFileSystem({ at, how: "dead", over: unsyncedFileSystem });
      await scene.act(project, dead.fileSystem).catch(() => undefined);
      const about = `seed ${seed}, ${name}, call ${at}, ${dead.names[at - 1]}`;
      assert.ok(dead.calls >= at, about);
      await assertSound(project, about);
      await scene.holds?.(project, about);
      if (scene.isDone !== undefined) {
        await scene.act(project, unsyncedFileSystem);
        await scene.isDone(project, about);
      }
      const { failed, notices } = await runSevenStages({
        project,
        fileSystem: unsyncedFileSystem,
      });
      assert.deepEqual({ failed, notices }, { failed: [], notices: [] }, about);
      assert.deepEqual(await outcomeOf(project), expected.outcome, about);
      await assertSound(project, about);
      await rm(project, { recursive: true });
    }
  });
}

async function undisturbed(scene: CrashScene, project: string) {
  await mkdir(project);
  await scene.prepare(project);
  const counting = faultyFileSystem();
  await scene.act(project, counting.fileSystem);
  await runSevenStages({ project });
  return { calls: counting.calls, outcome: await outcomeOf(project) };
}

/** Fails unless every blob and manifest is whole, and nothing half-written is left after opening. */
async function assertSound(project: string, about: string): Promise<void> {
  const cache = await openCache(join(project, ".tunesmith"));
  const report = await verifyCache(cache);
  cache.close();
  assert.equal(exitBitsOf(report), 0, `${about}: ${JSON.stringify(report)}`);
}
