import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { machineFacts } from "../../cli/machine-facts.ts";
import { ProjectRig } from "../rig/project-rig.ts";
import { howToGetSoftwareAdapter, testAdapter } from "../rig/software-adapter.ts";

const adapter = testAdapter();
const golden = join(import.meta.dirname, "../golden/bert-classify");

const pipeline = `name: devices
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
  evaluate:
    uses: evaluate
    in: { model: train, dataset: tokens.train }
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

/** Why a device is not here; a software adapter is there for the commands only. */
function whyAbsent(kind: string): string | undefined {
  if (kind === "webgpu") return adapter === undefined ? howToGetSoftwareAdapter : undefined;
  const machine = machineFacts(kind);
  return machine.ok ? undefined : `${machine.error.message} Hint: ${machine.error.hint}`;
}

test("20 steps with dropout on other devices: the processor's losses, under keys of their own", async (t) => {
  const { texts, labels } = JSON.parse(await readFile(join(golden, "case.json"), "utf8"));
  const rows = (texts as string[]).map((text, i) => `"${text}",LABEL_${labels.labels[i]}`);
  await using rig = await ProjectRig.create({
    "rows.csv": `text,label\n${rows.join("\n")}\n`,
    "devices.tune.yaml": pipeline,
  });
  await rig.copy(join(golden, "model"), "model");
  const onDevice = (kind: string) => rig.run(["devices.tune.yaml", "--device", kind], adapter);
  await onDevice("cpu");
  const expected = await lossesOf(rig);
  assert.ok(expected.at(-1)! < 0.7 * expected[0]!, `${expected}`);

  for (const kind of ["tfjs-cpu", "tfjs-wasm", "tfjs-node", "webgpu", "cuda"])
    await t.test(kind, async (t) => {
      const why = whyAbsent(kind);
      if (why !== undefined) return t.skip(why);
      const { executed } = await onDevice(kind);
      assert.deepEqual(executed, ["train", "evaluate", "save"]);
      const losses = await lossesOf(rig);
      assert.equal(losses.length, 20);
      const worst = Math.max(...losses.map((loss, step) => Math.abs(loss - expected[step]!)));
      t.diagnostic(`losses differ by at most ${worst}`);
      assert.ok(worst < 1e-3, `${losses} instead of ${expected}`);
      assert.match(await rig.read("devices.tune.lock.yaml"), new RegExp(`device: ${kind}\n`));
    });

  for (const kind of ["tfjs-cpu", "cpu"])
    if (whyAbsent(kind) === undefined) assert.deepEqual((await onDevice(kind)).executed, []);
});
