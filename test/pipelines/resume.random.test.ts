import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openCache } from "../../cache/open-cache.ts";
import { verifyCache } from "../../cache/verify-cache.ts";
import { ProjectRig } from "../rig/project-rig.ts";
import { smallData, smallPipeline } from "../rig/small-pipeline.ts";

const signals = ["SIGTERM", "SIGINT", "SIGKILL"] as const;
const LOCK = "x.tune.lock.yaml";

/** The small pipeline with a training of some seconds, in which everything that has a memory is on. */
const pipeline = smallPipeline.replace(
  "num_train_epochs: 1",
  `num_train_epochs: 10
      lr_scheduler_type: cosine
      warmup_steps: 10
      group_by_length: true
      load_best_model_at_end: true
      early_stopping_patience: 8
      save_strategy: steps
      save_steps: 2`,
);

/** A deterministic random number in [0, 1) from the printed seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Starts a run and stops it some time after its training began. */
async function stopInTraining(
  rig: ProjectRig,
  signal: NodeJS.Signals,
  milliseconds: number,
): Promise<void> {
  const running = rig.start(["run", "x.tune.yaml", "--json"]);
  const hasBegun = new Promise<void>((resolve) => {
    running.process.stdout!.on("data", (text: string) => {
      if (text.includes('"stage":"train","state":"progress"')) resolve();
    });
  });
  await Promise.race([hasBegun, running.result]);
  await sleep(milliseconds);
  running.process.kill(signal);
  await running.result;
}

test("stopped by a signal while it trains, a run goes on to the same bytes", async (t) => {
  const seed = Number(process.env.TUNESMITH_TEST_SEED ?? Date.now() % 2 ** 31);
  const rounds = signals.length * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);
  t.diagnostic(`seed ${seed}, ${rounds} signals`);
  const random = randomFrom(seed);
  const files = { "data.csv": smallData, "x.tune.yaml": pipeline };
  await using straight = await ProjectRig.create(files);
  assert.equal((await straight.run(["x.tune.yaml", "tokens"])).exitCode, 0);
  await using prepared = await ProjectRig.create(files);
  await prepared.copy(join(straight.folder, ".tunesmith"), ".tunesmith");
  assert.equal((await straight.run(["x.tune.yaml"])).exitCode, 0);
  let wentOn = 0;
  for (let round = 0; round < rounds; round++) {
    const signal = signals[round % signals.length]!;
    const moment = random() * 400;
    const where = `round ${round}: ${signal} after ${moment.toFixed(0)} ms`;
    await using rig = await ProjectRig.create(files);
    await rig.copy(join(prepared.folder, ".tunesmith"), ".tunesmith");
    await stopInTraining(rig, signal, moment);
    const { exitCode, stdout, stderr } = await rig.command(["run", "x.tune.yaml", "--json"]);
    assert.equal(exitCode, 0, `${where}\n${stderr}`);
    if (/goes on from checkpoint-\d+ of/.test(stdout)) wentOn++;
    assert.equal(await rig.read(LOCK), await straight.read(LOCK), where);
    const cache = await openCache(join(rig.folder, ".tunesmith"));
    const { blobs, failures } = await verifyCache(cache);
    cache.close();
    assert.deepEqual({ corrupt: blobs.corrupt, failures }, { corrupt: [], failures: [] }, where);
  }
  t.diagnostic(`${wentOn} of ${rounds} went on from a checkpoint`);
  assert.ok(wentOn > 0, "no run was stopped between its first checkpoint and its end");
});
