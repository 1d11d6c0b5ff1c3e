import assert from "node:assert/strict";
import { test } from "node:test";
import type { Device } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime.ts";
import { createModel, formatPretrained } from "../../models/pretrained.ts";
import { parseSafetensors } from "../../models/safetensors.ts";
import { type FineTuneOptions, fineTune } from "../../training/fine-tune.ts";
import { LossScale } from "../../training/loss-scale.ts";
import type { TrainingArguments } from "../../training/training-arguments.ts";
import { markedConfig, markedRows } from "../rig/marked-rows.ts";
import { MemoryCheckpoints } from "../rig/memory-checkpoints.ts";
import { howToGetSoftwareAdapter, openTestWebgpu, testAdapter } from "../rig/software-adapter.ts";

// Training in float16 on a graphics device whose adapter has it: lavapipe (test/rig/lavapipe.sh), not SwiftShader.

const cpu = await openOnnxruntimeDevice({ threads: 1, spinning: false });
const webgpu = testAdapter() && (await openTestWebgpu());
const reason = await webgpu?.lacksPrecision?.("float16");
const skip =
  webgpu === undefined ? howToGetSoftwareAdapter : reason && `${reason}; see test/rig/lavapipe.sh`;
const startOf = () =>
  createModel(markedConfig, { task: "sequence-classification", labels: ["even", "odd"], seed: 1 });
const dataset = markedRows(96, 1);

async function train(
  device: Device,
  given: Partial<TrainingArguments>,
  options: Partial<FineTuneOptions> = {},
) {
  const { trained, state } = await fineTune({
    start: startOf(),
    dataset,
    device,
    arguments: { learning_rate: 5e-3, logging_steps: 1, mixed_precision: "fp16", ...given },
    ...options,
  });
  const losses = state.log_history.flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
  const weights = Buffer.from(formatPretrained(trained).get("model.safetensors")!);
  return { losses, state, weights };
}

const farthest = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

test("20 steps have float32's losses but for rounding", { skip }, async (t) => {
  const { losses } = await train(webgpu!, { max_steps: 20 });
  const { losses: expected } = await train(cpu, { max_steps: 20, mixed_precision: "no" });
  assert.equal(losses.length, 20);
  const worst = farthest(losses, expected);
  t.diagnostic(`losses differ by at most ${worst}`);
  assert.ok(worst < 1e-2 && worst > 1e-7, `${losses} instead of ${expected}`);
});

test("a scale that overflows shrinks, and the step is computed again", { skip }, async () => {
  const steep = startOf();
  const weights = steep.parameters.get("classifier.weight")!.data;
  for (let i = 0; i < weights.length; i++) weights[i]! *= 3000;
  const few = { max_steps: 3, per_device_train_batch_size: 1, learning_rate: 1e-4 };
  const checkpoints = new MemoryCheckpoints();
  const { losses } = await train(webgpu!, few, { start: steep, checkpoints });
  const exact = await train(cpu, { ...few, mixed_precision: "no" }, { start: steep });
  assert.equal(losses.length, 3);
  for (const [i, expected] of exact.losses.entries())
    assert.ok(
      Math.abs(losses[i]! - expected) < 1e-2 * (1 + expected),
      `${losses}, not ${exact.losses}`,
    );
  const { tensors } = parseSafetensors(
    [...checkpoints.held.values()].at(-1)!.get("optimizer.safetensors")!,
  );
  const scale = new LossScale();
  scale.restore(tensors);
  assert.ok(scale.value < 65536, `the scale is ${scale.value}`);
});

test("killed after any step, it ends in the bytes of one that was left alone", {
  skip,
}, async () => {
  const saving = { save_strategy: "steps", save_steps: 2, max_steps: 8 } as const;
  const straight = await train(webgpu!, { max_steps: 8 });
  for (const after of [3, 6]) {
    const checkpoints = new MemoryCheckpoints();
    const onProgress = ({ step }: { step: number }) => {
      if (step === after) throw new Error("killed");
    };
    await assert.rejects(train(webgpu!, saving, { checkpoints, onProgress }), {
      message: "killed",
    });
    const resumed = await train(webgpu!, saving, { checkpoints });
    assert.ok(resumed.weights.equals(straight.weights), `killed after ${after}`);
    assert.deepEqual(resumed.state, straight.state);
  }
});
