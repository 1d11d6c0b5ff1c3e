import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { nodeFileSystem } from "../../cache/file-system.ts";
import { openCache } from "../../cache/open-cache.ts";
import { exitBitsOf, verifyCache } from "../../cache/verify-cache.ts";
import { generator } from "../rig/case-data.ts";
import { crashScenes, outcomeOf, pickSome } from "../rig/crash-points.ts";
import { faultyFileSystem } from "../rig/faulty-file-system.ts";
import { runSevenStages } from "../rig/seven-stages.ts";
import { memoryFolder, temporaryFolder } from "../rig/temporary-folder.ts";

const script = fileURLToPath(new URL("../rig/killed-process.ts", import.meta.url));
const seed = Number(process.env.TUNESMITH_TEST_SEED ?? Date.now() % 1e9);
const runs = Number(process.env.TUNESMITH_TEST_RUNS ?? 1);
/** Points of each scene; with many runs, as torture has them, all. */
const some = runs >= 20 ? Number.POSITIVE_INFINITY : 3 * runs;

for (const [name, scene] of Object.entries(crashScenes)) {
  test(`${name}: a process really killed at a file call leaves nothing behind that the next run does not put right`, async (t) => {
    const folder = await temporaryFolder(t, {}, { parent: memoryFolder });
    const undisturbed = join(folder, "undisturbed");
    await mkdir(undisturbed);
    await scene.prepare(undisturbed);
    const counting = faultyFileSystem();
    await scene.act(undisturbed, counting.fileSystem);
    await runSevenStages({ project: undisturbed });
    const expected = await outcomeOf(undisturbed);
    const points = pickSome(counting.calls, some, generator(seed));
    t.diagnostic(`seed ${seed}, ${points.length} of ${counting.calls} calls`);
    for (const at of points) {
      const about = `seed ${seed}, ${name}, call ${at}, ${counting.names[at - 1]}`;
      const project = join(folder, `${at}`);
      await mkdir(project);
      await scene.prepare(project);
      const { signal } = spawnSync(process.execPath, [
        "--import",
        "tsx",
        script,
        name,
        project,
        `${at}`,
      ]);
      assert.equal(signal, "SIGKILL", about);
      await scene.holds?.(project, about);
      if (scene.isDone !== undefined) {
        await scene.act(project, nodeFileSystem);
        await scene.isDone(project, about);
        assert.deepEqual(await temporariesIn(project), [], about);
      }
      const { failed } = await runSevenStages({ project });
      assert.deepEqual(failed, [], about);
      assert.deepEqual(await outcomeOf(project), expected, about);
      const cache = await openCache(join(project, ".tunesmith"));
      assert.equal(exitBitsOf(await verifyCache(cache)), 0, about);
      assert.deepEqual(await readdir(cache.folder.temporary), [], about);
      cache.close();
      await rm(project, { recursive: true });
    }
  });
}

/** What writers left beside the files they would have replaced. */
async function temporariesIn(project: string): Promise<readonly string[]> {
  return (await readdir(project, { recursive: true })).filter((name) => name.endsWith(".tmp"));
}
