import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseLockfile } from "../../engine/lockfile.ts";
import { ProjectRig } from "../rig/project-rig.ts";

const pipelines = fileURLToPath(new URL("../../pipelines", import.meta.url));
const EXAMPLE = "pipelines/package-sections.tune.yaml";
const LOCK = "pipelines/package-sections.tune.lock.yaml";

async function stagesIn(rig: ProjectRig) {
  const lock = parseLockfile(await rig.read(LOCK));
  if (!lock.ok) throw new Error(lock.error.message);
  return lock.value.stages;
}

test("the example runs as README says: whole, then not at all, then three stages at another learning rate", async () => {
  await using rig = await ProjectRig.create({ "package.json": "{}" });
  for (const path of ["package-sections.tune.yaml", "package-sections.tune.lock.yaml", "data"])
    await rig.copy(`${pipelines}/${path}`, `pipelines/${path}`);
  const locked = await stagesIn(rig);
  const data = ["rows", "clean", "split", "tokenizer", "tokens"];
  const model = ["train", "evaluate", "save"];

  const first = await rig.run([EXAMPLE]);
  assert.deepEqual([first.exitCode, first.executed], [0, [...data, ...model]]);
  const again = await rig.run([EXAMPLE]);
  assert.deepEqual([again.exitCode, again.executed], [0, []]);

  // What the committed lockfile says holds on any machine up to the trained weights; those, on one of its class.
  const now = await stagesIn(rig);
  for (const name of data) assert.deepEqual(now[name], locked[name], name);
  assert.equal(now.train?.key, locked.train?.key);
  const { accuracy } = now.evaluate!.metrics;
  assert.ok(accuracy! > 0.65, `accuracy ${accuracy}`);

  const slower = await rig.run([EXAMPLE, "--set", "stages.train.with.learning_rate=3e-5"]);
  assert.deepEqual([slower.exitCode, slower.cached, slower.executed], [0, data, model]);
});
