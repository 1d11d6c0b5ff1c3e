import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event } from "../../engine/event.ts";
import { ProjectRig } from "../rig/project-rig.ts";
import { smallData, smallPipeline } from "../rig/small-pipeline.ts";

const LOCK = "x.tune.lock.yaml";
const withEpochs = (epochs: number, schedule: string) =>
  smallPipeline.replace(
    "num_train_epochs: 1",
    `num_train_epochs: ${epochs}\n      lr_scheduler_type: ${schedule}`,
  );

/** Runs the pipeline up to the training; returns what its log says of checkpoints and how many steps it made. */
async function train(rig: ProjectRig, text: string) {
  await rig.write({ "x.tune.yaml": text });
  const { exitCode, stdout } = await rig.command(["run", "x.tune.yaml", "train", "--json"]);
  assert.equal(exitCode, 0);
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
  const told = events.flatMap((event) =>
    event.type === "stage" && event.state === "log" && event.line.includes("checkpoint-")
      ? event.line
      : [],
  );
  const steps = events.filter(
    (e) => e.type === "stage" && e.state === "progress" && e.stage === "train",
  );
  return { told, hasTrained: steps.length > 0 };
}

test("three epochs, then five: goes on where the schedule is constant, and says why not where it is linear", async () => {
  await using rig = await ProjectRig.create({ "data.csv": smallData });
  await using straight = await ProjectRig.create({ "data.csv": smallData });
  await train(rig, withEpochs(3, "constant"));
  const longer = await train(rig, withEpochs(5, "constant"));
  assert.deepEqual(longer.told, ["goes on from checkpoint-18 of 30 steps"]);
  await train(straight, withEpochs(5, "constant"));
  assert.equal(await rig.read(LOCK), await straight.read(LOCK));
  const linear = await train(rig, withEpochs(5, "linear"));
  assert.equal(linear.told.length, 2);
  assert.match(
    linear.told[1]!,
    /^checkpoint-18 is not used: the learning rate of step 2 was .* lr_scheduler_type linear looks ahead to the last step, so training starts again \(constant, /,
  );
});

test("other evaluations of a trained model: no step is trained", async () => {
  await using rig = await ProjectRig.create({ "data.csv": smallData });
  const text = withEpochs(2, "linear").replace("linear", "linear\n      save_strategy: epoch");
  await train(rig, text);
  const again = await train(
    rig,
    text.replace(
      "linear",
      "linear\n      load_best_model_at_end: true\n      metric_for_best_model: accuracy",
    ),
  );
  assert.deepEqual(again, { told: ["goes on from checkpoint-12 of 12 steps"], hasTrained: false });
});
