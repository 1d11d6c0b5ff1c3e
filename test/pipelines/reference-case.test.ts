import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";
import { readReferenceCase } from "../rig/reference-case.ts";
import { assertTrained } from "../rig/trained-as-reference.ts";

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

  await assertTrained(rig.folder, expected);
});
