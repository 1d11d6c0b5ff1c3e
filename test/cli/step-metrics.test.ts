import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { stepMetrics } from "../../cli/commands/step-metrics.ts";
import { runCommand } from "../rig/command-rig.ts";
import { ProjectRig } from "../rig/project-rig.ts";
import { smallData, smallPipeline } from "../rig/small-pipeline.ts";

const file = "x.tune.yaml";
let rig: ProjectRig;
before(async () => {
  rig = await ProjectRig.create({ "data.csv": smallData, [file]: smallPipeline });
  assert.equal((await rig.run([file, "train"])).exitCode, 0);
});
after(() => rig[Symbol.asyncDispose]());

const printed = (stages: readonly string[], csv = false) =>
  runCommand({ cwd: rig.folder }, (context) => stepMetrics(context, file, stages, { csv }));
const linesOf = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number>);

test("metrics --steps prints each step and each evaluation of a training", async () => {
  const { exitCode, stdout, stderr } = await printed(["train"]);
  assert.deepEqual([exitCode, stderr], [0, ""]);
  const lines = linesOf(stdout);
  assert.deepEqual(
    lines.map((line) => Object.keys(line).join(" ")),
    [
      ...Array(6).fill("step epoch loss grad_norm learning_rate tokens"),
      "step epoch eval_accuracy eval_loss eval_macro_f1 eval_weighted_f1",
    ],
  );
  assert.deepEqual(
    lines.map(({ step }) => step),
    [1, 2, 3, 4, 5, 6, 6],
  );
  assert.equal(lines[0]!.learning_rate, 1e-4);

  const csv = (await printed(["train"], true)).stdout.split("\r\n");
  assert.equal(
    csv[0],
    "step,epoch,loss,grad_norm,learning_rate,tokens,eval_accuracy,eval_loss,eval_macro_f1,eval_weighted_f1",
  );
  const { step, epoch, loss, grad_norm, learning_rate, tokens } = lines[1]!;
  assert.equal(csv[2], `${[step, epoch, loss, grad_norm, learning_rate, tokens].join(",")},,,,`);
  assert.equal(csv.length, 9);
});

test("they are those of the result, not of another training that shares its checkpoints", async () => {
  const first = (await printed(["train"])).stdout;
  const cosine = smallPipeline.replace(
    "learning_rate:",
    "lr_scheduler_type: cosine\n      learning_rate:",
  );
  await rig.write({ [file]: cosine });
  assert.equal((await rig.run([file, "train"])).exitCode, 0);
  const second = (await printed(["train"])).stdout;
  assert.notEqual(linesOf(second)[1]!.learning_rate, linesOf(first)[1]!.learning_rate);
  await rig.write({ [file]: smallPipeline });
  assert.equal((await printed(["train"])).stdout, first);
});

test("what has no steps is told why", async () => {
  const refused = async (...stages: string[]) => {
    const { exitCode, stderr } = await printed(stages);
    return [exitCode, stderr.split("\n")[0]];
  };
  assert.deepEqual(await refused(), [2, "✘ --steps needs one stage."]);
  assert.deepEqual(await refused("clean"), [
    1,
    '✘ There are no steps of "clean" to show: clean keeps no checkpoints.',
  ]);
  await rig.write({ [file]: smallPipeline.replace("0.0001", "0.0002") });
  assert.deepEqual(await refused("train"), [
    1,
    '✘ There are no steps of "train" to show: with.learning_rate: 1e-4 -> 2e-4; with.lr_scheduler_type: cosine -> linear (default).',
  ]);
});
