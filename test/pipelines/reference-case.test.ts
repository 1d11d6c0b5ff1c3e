import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { toFloat32 } from "../../models/dtype.ts";
import { parseSafetensors } from "../../models/safetensors.ts";
import { ProjectRig } from "../rig/project-rig.ts";
import { readReferenceCase, relativeError } from "../rig/reference-case.ts";

const golden = join(import.meta.dirname, "../golden/bert-classify");

const pipeline = `name: reference
stages:
  rows:
    uses: load
    with: { files: rows.csv, label: label }
  tokens:
    uses: tokenize
    in: rows
    with: { tokenizer: model, max_length: 32 }
  train:
    uses: fine-tune
    in: tokens
    with:
      model: model
      shuffle: false
      max_steps: 10
      warmup_steps: 2
      learning_rate: 1e-3
      weight_decay: 0.01
      per_device_train_batch_size: 6
  save:
    uses: save
    in: train
    with: { to: out }
`;

async function tensorsOf(path: string): Promise<ReadonlyMap<string, Float32Array>> {
  const { tensors } = parseSafetensors(await readFile(path));
  return new Map([...tensors].map(([name, { dtype, bytes }]) => [name, toFloat32(dtype, bytes)]));
}

test("a pipeline file alone trains to PyTorch's parameters: ten steps of a checkpoint with its head", async () => {
  const expected = await readReferenceCase(golden);
  const { texts, labels } = JSON.parse(await readFile(join(golden, "case.json"), "utf8"));
  const rows = (texts as string[]).map((text, i) => `"${text}",LABEL_${labels.labels[i]}`);
  await using rig = await ProjectRig.create({
    "rows.csv": `text,label\n${rows.join("\n")}\n`,
    "reference.tune.yaml": pipeline,
  });
  await rig.copy(expected.model, "model");
  const { exitCode, executed } = await rig.run(["reference.tune.yaml"]);
  assert.equal(exitCode, 0);
  assert.deepEqual(executed, ["rows", "tokens", "train", "save"]);

  const state = JSON.parse(await rig.read("out/trainer_state.json"));
  for (const [step, loss] of expected.losses.entries()) {
    const entry = state.log_history[step];
    assert.ok(Math.abs(entry.loss / loss - 1) < 1e-5, `loss of step ${step + 1}: ${entry.loss}`);
    const { learning_rate, grad_norm } = entry;
    assert.ok(Math.abs(learning_rate - expected.learningRates[step]!) < 1e-12);
    assert.ok(Math.abs(grad_norm / expected.gradNorms[step]! - 1) < 1e-4, `step ${step + 1}`);
  }

  const before = await tensorsOf(join(expected.model, "model.safetensors"));
  const after = await tensorsOf(join(rig.folder, "out/model.safetensors"));
  assert.deepEqual([...after.keys()].sort(), [...before.keys()].sort());
  const furthest = expected.learningRates.reduce((sum, rate) => sum + rate, 0);
  for (const [name, value] of after) {
    const start = before.get(name)!;
    const end = expected.golden.get(`after.${name}`)!;
    // A key bias has no gradient in exact arithmetic: what moves it is rounding that Adam enlarges.
    if (relativeError(start, end) === 0)
      assert.ok(
        value.every((x, i) => Math.abs(x - start[i]!) <= furthest),
        name,
      );
    else {
      const error = relativeError(value, end, start);
      assert.ok(error < expected.tolerance(`after.${name}`), `${name}: ${error}`);
    }
  }
});
