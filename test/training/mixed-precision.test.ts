import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Device } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime.ts";
import { openTfjsDevice } from "../../compute/devices/tfjs.ts";
import { sizeOf } from "../../compute/graph.ts";
import { folderSource } from "../../models/file-source.ts";
import { createModel, formatPretrained, loadPretrained } from "../../models/pretrained.ts";
import { parseSafetensors } from "../../models/safetensors.ts";
import { fineTune } from "../../training/fine-tune.ts";
import { GradientSum } from "../../training/gradient-sum.ts";
import { LossScale } from "../../training/loss-scale.ts";
import type { TrainingArguments } from "../../training/training-arguments.ts";
import { TrainingStep } from "../../training/training-step.ts";
import { markedConfig, markedRows } from "../rig/marked-rows.ts";
import { MemoryCheckpoints } from "../rig/memory-checkpoints.ts";
import { referenceBatch } from "../rig/reference-batch.ts";
import { readReferenceCase, relativeError } from "../rig/reference-case.ts";
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
const train = (device: Device, more: Partial<TrainingArguments> = {}, options: object = {}) =>
  fineTune({ start, dataset, device, arguments: { ...given, ...more }, ...options });
const lossesOf = ({ state }: Awaited<ReturnType<typeof train>>) =>
  state.log_history.flatMap(({ loss }) => (loss === undefined ? [] : [loss]));

test("20 steps in fp16 have float32's losses but for rounding, and weights of float32", async () => {
  const made = await train(half);
  const [losses, expected] = [
    lossesOf(made),
    lossesOf(await train(cpu, { mixed_precision: "no" })),
  ];
  assert.equal(losses.length, 20);
  const worst = Math.max(...losses.map((loss, i) => Math.abs(loss - expected[i]!)));
  assert.ok(worst < 1e-2, `${worst}`);
  assert.ok(worst > 1e-7, "as if nothing were rounded");
  assert.equal(made.trained.parameters.get("classifier.weight")!.dtype, "float32");
});

interface Autocast {
  readonly torch: string;
  readonly cases: Readonly<
    Record<string, { readonly loss: number; readonly gradients: Readonly<Record<string, number>> }>
  >;
}
const golden = new URL("../golden/", import.meta.url);
const autocast: Autocast = JSON.parse(
  readFileSync(new URL("mixed-precision.json", golden), "utf8"),
);

for (const [name, errors] of Object.entries(autocast.cases))
  test(`${name}: as near to float64 as PyTorch ${autocast.torch} is under autocast`, async () => {
    const reference = await readReferenceCase(fileURLToPath(new URL(name, golden)));
    const { model, parameters } = await loadPretrained(folderSource(reference.model), { seed: 0 });
    const step = new TrainingStep(model, half, { sessions: 1, mixedPrecision: "float16" });
    const sum = new GradientSum();
    const batch = referenceBatch(reference);
    const role = { seed: 0, step: 0, part: 0 };
    const lossScale = 65536;
    const loss = await step.addGradients(sum, parameters, { batch, role, lossScale });
    await step.release();
    assert.ok(Math.abs(loss / reference.loss - 1) < 2 * errors.loss + 1e-5, `loss ${loss}`);
    for (const [parameter, allowed] of Object.entries(errors.gradients)) {
      if (allowed > 1) continue; // a key bias has no gradient in exact arithmetic
      const { shape } = parameters.get(parameter)!;
      const gradient = sum.dense.get(parameter)?.slice() ?? new Float32Array(sizeOf(shape));
      sum.tables.get(parameter)?.addTo(gradient);
      const unscaled = gradient.map((x) => x / lossScale);
      const error = relativeError(unscaled, reference.golden.get(`grad.${parameter}`)!);
      assert.ok(error < 1.5 * allowed, `${parameter}: ${error}, PyTorch's is ${allowed}`);
    }
  });

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

test("killed after any step, it ends in the bytes of one that was left alone", async () => {
  const bytesOf = ({ trained }: Awaited<ReturnType<typeof train>>) =>
    Buffer.from(formatPretrained(trained).get("model.safetensors")!);
  const saving = { save_strategy: "steps", save_steps: 2, max_steps: 8 } as const;
  const straight = await train(half, { max_steps: 8 });
  for (const after of [3, 6]) {
    const checkpoints = new MemoryCheckpoints();
    const onProgress = ({ step }: { step: number }) => {
      if (step === after) throw new Error("killed");
    };
    await assert.rejects(train(half, saving, { checkpoints, onProgress }), { message: "killed" });
    const resumed = await train(half, saving, { checkpoints });
    assert.ok(bytesOf(resumed).equals(bytesOf(straight)), `killed after ${after}`);
    assert.deepEqual(resumed.state, straight.state);
  }
});

test("layers computed again round alike", async () => {
  const plain = lossesOf(await train(half, { max_steps: 5 }));
  assert.deepEqual(
    lossesOf(await train(half, { max_steps: 5, gradient_checkpointing: true })),
    plain,
  );
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
