import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ProjectRig } from "../rig/project-rig.ts";
import { howToGetSoftwareAdapter, testAdapter } from "../rig/software-adapter.ts";

// Mixed precision through the command line, on an adapter with shader-f16 (test/rig/lavapipe.sh) and on one without.

const adapter = testAdapter();
const golden = join(import.meta.dirname, "../golden/bert-classify");

const pipeline = (precision: string) => `name: float16
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
      max_steps: 20
      warmup_steps: 2
      learning_rate: 5e-3
      per_device_train_batch_size: 6
      mixed_precision: ${precision}
  save:
    uses: save
    in: train
    with: { to: out }
`;

interface Entry {
  readonly loss?: number;
}

async function lossesOf(rig: ProjectRig): Promise<number[]> {
  const { log_history } = JSON.parse(await rig.read("out/trainer_state.json"));
  return (log_history as Entry[]).flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
}

test("20 steps in fp16 by a pipeline: float32's losses but for rounding, or why the adapter cannot", {
  skip: adapter === undefined && howToGetSoftwareAdapter,
}, async (t) => {
  const { texts, labels } = JSON.parse(await readFile(join(golden, "case.json"), "utf8"));
  const rows = (texts as string[]).map((text, i) => `"${text}",LABEL_${labels.labels[i]}`);
  await using rig = await ProjectRig.create({
    "rows.csv": `text,label\n${rows.join("\n")}\n`,
    "no.tune.yaml": pipeline("no"),
    "fp16.tune.yaml": pipeline("fp16"),
  });
  await rig.copy(join(golden, "model"), "model");
  const made = await rig.command(["run", "fp16.tune.yaml", "--device", "webgpu"], adapter);
  if (made.exitCode !== 0) {
    t.diagnostic("the adapter has no float16");
    assert.match(
      made.stderr,
      /The device "webgpu" cannot train with mixed_precision: fp16: its adapter has no shader-f16\./,
    );
    return;
  }
  const losses = await lossesOf(rig);
  await rig.run(["no.tune.yaml", "--device", "cpu"]);
  const expected = await lossesOf(rig);
  assert.equal(losses.length, 20);
  const worst = Math.max(...losses.map((loss, i) => Math.abs(loss - expected[i]!)));
  t.diagnostic(`losses differ from float32's on the processor by at most ${worst}`);
  assert.ok(worst < 1e-2, `${losses} instead of ${expected}`);
  assert.ok(worst > 1e-7, "as if nothing were rounded");
});
