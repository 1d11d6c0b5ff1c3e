import assert from "node:assert/strict";
import { test } from "node:test";
import type { Device } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { openTfjsDevice } from "../../compute/devices/tfjs/tfjs.ts";
import { createModel, formatPretrained } from "../../models/pretrained.ts";
import { parseSafetensors } from "../../models/safetensors.ts";
import { type FineTuneOptions, fineTune } from "../../training/fine-tune.ts";
import { LossScale } from "../../training/loss-scale.ts";
import type { TrainingArguments } from "../../training/training-arguments.ts";
import { markedConfig, markedRows } from "../rig/marked-rows.ts";
import { MemoryCheckpoints } from "../rig/memory-checkpoints.ts";
import { howToGetOrt, openOrtCpu } from "../rig/ort-cpu-device.ts";
import { roundingDevice } from "../rig/rounding-device.ts";

const cpu = await openOnnxruntimeDevice({ threads: 1, spinning: false });
const half = roundingDevice(cpu);
const labels = ["even", "odd"];
const start = createModel(markedConfig, { task: "sequence-classification", labels, seed: 1 });
const dataset = markedRows(96, 1);
const given = {
  max_steps: 20,
  learning_rate: 5e-3,
  logging_steps: 1,
  mixed_precision: "fp16",
} as const;
const train = (
  device: Device,
  more: Partial<TrainingArguments> = {},
  options: Partial<FineTuneOptions> = {},
) => fineTune({ start, dataset, device, arguments: { ...given, ...more }, ...options });
type Made = Awaited<ReturnType<typeof train>>;
const lossesOf = ({ state }: Made) =>
  state.log_history.flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
const bytesOf = ({ trained }: Made) =>
  Buffer.from(formatPretrained(trained).get("model.safetensors")!);

/** Fails where losses differ by more than this, or by so little that nothing can have been rounded. */
function assertRounded(made: readonly number[], exact: readonly number[], most: number): void {
  assert.equal(made.length, exact.length);
  const worst = Math.max(...made.map((loss, i) => Math.abs(loss - exact[i]!)));
  assert.ok(worst < most, `${worst}`);
  assert.ok(worst > 1e-2 * most, `${worst}, as if nothing were rounded`);
}

for (const [mixed_precision, most] of [
  ["fp16", 1e-4],
  ["bf16", 1e-3],
] as const) {
  test(`20 steps in ${mixed_precision} have float32's losses but for rounding, and weights of float32`, async () => {
    const made = await train(half, { mixed_precision });
    const exact = await train(cpu, { mixed_precision: "no" });
    assert.equal(lossesOf(made).length, 20);
    assertRounded(lossesOf(made), lossesOf(exact), most);
    assert.equal(made.trained.parameters.get("classifier.weight")!.dtype, "float32");
  });

  test(`${mixed_precision} learns to find a marker`, async () => {
    const learning = { max_steps: 120, eval_strategy: "steps", eval_steps: 120 } as const;
    const evaluation = markedRows(40, 2);
    const { state } = await train(half, { ...learning, mixed_precision }, { evaluation });
    const evaluated = state.log_history.find((entry) => "eval_loss" in entry)!;
    assert.ok(evaluated.eval_accuracy! >= 0.95, JSON.stringify(evaluated));
  });

  test(`${mixed_precision}: killed after any step, it ends in the bytes of one that was left alone`, () =>
    resumeOn(half, mixed_precision));

  test(`${mixed_precision}: layers computed again round alike`, async () => {
    const some = { mixed_precision, max_steps: 5 };
    const plain = lossesOf(await train(half, some));
    assert.deepEqual(lossesOf(await train(half, { ...some, gradient_checkpointing: true })), plain);
  });
}

async function resumeOn(device: Device, mixed_precision: "fp16" | "bf16"): Promise<void> {
  const all = { mixed_precision, max_steps: 8 };
  const saving = { ...all, save_strategy: "steps", save_steps: 2 } as const;
  const straight = await train(device, all);
  for (const after of [3, 6]) {
    const checkpoints = new MemoryCheckpoints();
    const onProgress = ({ step }: { step: number }) => {
      if (step === after) throw new Error("killed");
    };
    await assert.rejects(train(device, saving, { checkpoints, onProgress }), { message: "killed" });
    const resumed = await train(device, saving, { checkpoints });
    assert.ok(bytesOf(resumed).equals(bytesOf(straight)), `killed after ${after}`);
    assert.deepEqual(resumed.state, straight.state);
  }
}

test("gradients that overflow are computed again with a smaller scale: no rows are passed over", async () => {
  const steep = createModel(markedConfig, { task: "sequence-classification", labels, seed: 1 });
  const weights = steep.parameters.get("classifier.weight")!.data;
  for (let i = 0; i < weights.length; i++) weights[i]! *= 3000;
  const few = { max_steps: 3, per_device_train_batch_size: 1, learning_rate: 1e-4 };
  const checkpoints = new MemoryCheckpoints();
  const made = lossesOf(await train(half, few, { start: steep, checkpoints }));
  const exact = { ...few, mixed_precision: "no" } as const;
  const expected = lossesOf(await train(cpu, exact, { start: steep }));
  assert.equal(made.length, 3);
  for (const [i, loss] of made.entries())
    assert.ok(Math.abs(loss - expected[i]!) < 1e-2 * (1 + expected[i]!), `${made} and ${expected}`);
  const files = [...checkpoints.held.values()].at(-1)!;
  const { tensors } = parseSafetensors(files.get("optimizer.safetensors")!);
  const restored = new LossScale();
  restored.restore(tensors);
  assert.ok(restored.value < 65536, `the scale is ${restored.value}`);
});

const skip = process.platform !== "linux" && howToGetOrt;
test("bf16 in a device's memory is that in the host's, and resumes alike", { skip }, async () => {
  const device = await openOrtCpu();
  const few = {
    mixed_precision: "bf16",
    max_steps: 8,
    save_strategy: "steps",
    save_steps: 4,
  } as const;
  const [onHost, onDevice] = [new MemoryCheckpoints(), new MemoryCheckpoints()];
  const expected = lossesOf(await train(half, few, { checkpoints: onHost }));
  const made = lossesOf(await train(device, few, { checkpoints: onDevice }));
  for (const [i, loss] of made.entries())
    assert.ok(Math.abs(loss - expected[i]!) < 1e-3, `${made} and ${expected}`);
  const namesOf = (checkpoints: MemoryCheckpoints) => {
    const files = checkpoints.held.get("checkpoint-4")!;
    return [...parseSafetensors(files.get("optimizer.safetensors")!).tensors.keys()].sort();
  };
  assert.ok(namesOf(onHost).length > 0);
  for (const names of [namesOf(onHost), namesOf(onDevice)])
    assert.ok(!names.includes("loss_scale"), `${names}`);
  await resumeOn(device, "bf16");
});

test("a device that lacks it is refused, with the reason", async () => {
  const hint =
    "leave mixed_precision out, or run on a graphics device that has it (--device cuda, for fp16 also webgpu)";
  const refusals: readonly (readonly [Device, "fp16" | "bf16", string])[] = [
    [cpu, "fp16", '"cpu" cannot train with mixed_precision: fp16: it computes in float32 alone'],
    [
      await openTfjsDevice("tfjs-wasm"),
      "fp16",
      '"tfjs-wasm" cannot train with mixed_precision: fp16: it computes in float32 alone',
    ],
    [cpu, "bf16", '"cpu" cannot train with mixed_precision: bf16: it computes in float32 alone'],
    [
      { ...cpu, lacksPrecision: async () => "its adapter has no shader-f16" },
      "fp16",
      '"cpu" cannot train with mixed_precision: fp16: its adapter has no shader-f16',
    ],
  ];
  for (const [device, mixed_precision, message] of refusals)
    await assert.rejects(train(device, { mixed_precision }), {
      code: "precision-not-supported",
      message: `The device ${message}.`,
      hint,
    });
});

test("the scale of the loss doubles after 2000 finite steps in a row, halves at an overflow, not below 1", () => {
  const scale = new LossScale();
  assert.equal(scale.value, 65536);
  for (let i = 0; i < 1999; i++) scale.keep();
  const other = new LossScale();
  other.restore(scale.state());
  for (const one of [scale, other]) {
    assert.equal(one.value, 65536);
    one.keep();
    assert.equal(one.value, 131072);
  }
  for (let i = 0; i < 17; i++) assert.equal(scale.shrink(), true);
  assert.equal(scale.value, 1);
  assert.equal(scale.shrink(), false);
  assert.equal(scale.value, 1);
});
