import assert from "node:assert/strict";
import { test } from "node:test";
import type { Device } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { createModel, formatPretrained } from "../../models/pretrained.ts";
import { parseSafetensors } from "../../models/safetensors.ts";
import { type FineTuneOptions, fineTune } from "../../training/fine-tune.ts";
import { floatsOf } from "../../training/tensor-bytes.ts";
import type { TrainingArguments } from "../../training/training-arguments.ts";
import { assertClose } from "../rig/assert-close.ts";
import { markedConfig, markedRows } from "../rig/marked-rows.ts";
import { MemoryCheckpoints } from "../rig/memory-checkpoints.ts";
import { howToGetOrt, openOrtCpu } from "../rig/ort-cpu-device.ts";
import { relativeError } from "../rig/reference-case.ts";
import { roundingDevice } from "../rig/rounding-device.ts";
import { openTestWebgpu, testAdapter } from "../rig/software-adapter.ts";

// Weights and optimizer held by a device, beside the same device with its optimizer on the host: overflows in float16,
// and trainings that go on elsewhere. Also on a graphics device whose adapter has float16 (test/rig/lavapipe.sh).

const cpu = await openOnnxruntimeDevice({ threads: 1, spinning: false });
const host = roundingDevice(cpu);
const devices: Record<string, Device> = {};
if (process.platform === "linux") devices["cpu, as cuda is reached"] = await openOrtCpu();
const webgpu = testAdapter() && (await openTestWebgpu());
if (webgpu && (await webgpu.lacksPrecision!("float16")) === undefined) devices.webgpu = webgpu;

const labels = ["even", "odd"];
const task = "sequence-classification";
const start = createModel(markedConfig, { task, labels, seed: 1 });
const dataset = markedRows(96, 1);

async function train(
  device: Device,
  given: Partial<TrainingArguments>,
  options: Partial<FineTuneOptions> = {},
) {
  const losses: number[] = [];
  const checkpoints = new MemoryCheckpoints();
  const { trained, state } = await fineTune({
    start,
    dataset,
    device,
    checkpoints,
    arguments: { learning_rate: 5e-3, logging_steps: 1, save_strategy: "steps", ...given },
    ...options,
    onProgress: (progress) => {
      losses.push(progress.loss);
      options.onProgress?.(progress);
    },
  });
  const weights = Buffer.from(formatPretrained(trained).get("model.safetensors")!);
  return { losses, state, trained, weights, checkpoints };
}

/** Ends as if killed after so many steps; the checkpoints are what is left. */
async function killed(device: Device, given: Partial<TrainingArguments>, after: number) {
  const checkpoints = new MemoryCheckpoints();
  const onProgress = ({ step }: { step: number }) => {
    if (step === after) throw new Error("killed");
  };
  await assert.rejects(train(device, given, { checkpoints, onProgress }), { message: "killed" });
  return checkpoints;
}

/** [value, steps in a row without an overflow] of the newest checkpoint. */
function lossScaleOf(checkpoints: MemoryCheckpoints): number[] {
  const file = [...checkpoints.held.values()].at(-1)!.get("optimizer.safetensors")!;
  return [...floatsOf(parseSafetensors(file).tensors.get("loss_scale"), "loss_scale", 2)];
}

/** A classifier whose gradients overflow with the scale that a training starts with. */
function steepModel() {
  const steep = createModel(markedConfig, { task, labels, seed: 1 });
  const weights = steep.parameters.get("classifier.weight")!.data;
  for (let i = 0; i < weights.length; i++) weights[i]! *= 3000;
  return steep;
}

const fp16 = { mixed_precision: "fp16" } as const;
for (const [name, device] of Object.entries(devices)) {
  test(`${name}: 20 steps in fp16 have the losses that they have with the optimizer on the host`, async () => {
    const given = { ...fp16, max_steps: 20, weight_decay: 0.01, max_grad_norm: 0.5 };
    const [expected, made] = [await train(host, given), await train(device, given)];
    assert.equal(made.losses.length, 20);
    assertClose(made.losses, expected.losses, 1e-3, "losses");
    const norms = ({ state }: typeof made) =>
      state.log_history.flatMap(({ grad_norm }) => grad_norm ?? []);
    assertClose(norms(made), norms(expected), 2e-2, "gradient norms");
    assert.deepEqual(lossScaleOf(made.checkpoints), [65536, 20]);
  });

  test(`${name}: a step that overflows is taken back, sums of batches too, and computed with a smaller scale`, async () => {
    const given = {
      ...fp16,
      max_steps: 3,
      per_device_train_batch_size: 1,
      gradient_accumulation_steps: 3,
      optim: "sgd",
      optim_args: { momentum: 0.9 },
      learning_rate: 1e-3,
      ema_decay: 0.5,
    } as const;
    const steep = { start: steepModel() };
    const [expected, made] = [await train(host, given, steep), await train(device, given, steep)];
    const [scale, steps] = lossScaleOf(made.checkpoints);
    assert.ok(scale! < 65536, `nothing overflowed: the scale is ${scale}`);
    assert.equal(steps, 3);
    assertClose(made.losses, expected.losses, 1e-2, "losses");
    for (const [parameter, { data }] of expected.trained.parameters) {
      const after = made.trained.parameters.get(parameter)!.data;
      const error = relativeError(after, data, steep.start.parameters.get(parameter)!.data);
      assert.ok(error < 5e-2 || parameter.endsWith("key.bias"), `change of ${parameter}: ${error}`);
    }
  });

  test(`${name}: in fp16, killed after any step, it ends in the bytes of one that was left alone`, async () => {
    const given = { ...fp16, max_steps: 6, save_steps: 2, ema_decay: 0.8 };
    const straight = await train(device, given);
    for (const after of [3, 5]) {
      const checkpoints = await killed(device, given, after);
      const resumed = await train(device, given, { checkpoints });
      assert.equal(resumed.losses.length, 6 - 2 * Math.floor(after / 2));
      assert.deepEqual(resumed.weights, straight.weights);
      assert.deepEqual(resumed.state, straight.state);
    }
  });
}

const held = Object.values(devices)[0];
const skip = held === undefined && howToGetOrt;
const optimizers: readonly Partial<TrainingArguments>[] = [
  { weight_decay: 0.1, ema_decay: 0.8 },
  { optim: "sgd", learning_rate: 0.1, optim_args: { momentum: 0.9 } },
  { optim: "lion_32bit", learning_rate: 1e-4 },
  { optim: "adafactor", gradient_accumulation_steps: 2 },
  fp16,
];

for (const optimizer of optimizers)
  test(`${JSON.stringify(optimizer)} goes on elsewhere: begun on the host and ended on a device, and the other way`, {
    skip,
  }, async () => {
    const given = { max_steps: 8, save_steps: 4, ...optimizer };
    const straight = await train(host, given);
    for (const [first, second] of [
      [host, held!],
      [held!, host],
    ] as const) {
      const checkpoints = await killed(first, given, 5);
      assert.deepEqual(checkpoints.names, ["checkpoint-4"]);
      const resumed = await train(second, given, { checkpoints });
      assert.equal(resumed.losses.length, 4);
      assertClose(resumed.losses, straight.losses.slice(4), 1e-3, "losses");
    }
  });

test("a head alone, labels that count differently, rates that follow evaluations: as on the host", {
  skip,
}, async () => {
  const frozen = {
    ...start,
    model: {
      ...start.model,
      parameters: start.model.parameters.map((spec) =>
        spec.optional ? spec : { ...spec, frozen: true },
      ),
    },
  };
  const given: Partial<TrainingArguments> = {
    max_steps: 6,
    class_weights: [1, 3],
    layerwise_lr_decay: 0.5,
    label_smoothing_factor: 0.1,
    ema_decay: 0.5,
    eval_strategy: "steps",
    eval_steps: 2,
    lr_scheduler_type: "reduce_lr_on_plateau",
    lr_scheduler_kwargs: { patience: 0, threshold: 0.5 },
  };
  const options = { start: frozen, evaluation: markedRows(20, 2) };
  const [expected, made] = [await train(host, given, options), await train(held!, given, options)];
  assertClose(made.losses, expected.losses, 1e-6, "losses");
  for (const [name, { data }] of expected.trained.parameters) {
    const after = made.trained.parameters.get(name)!.data;
    assertClose(after, data, 1e-6, name);
    const before = start.parameters.get(name)!.data;
    const isFrozen = frozen.model.parameters.find((spec) => spec.name === name)!.frozen;
    assert.equal(isFrozen ?? false, Buffer.compare(bytesOf(after), bytesOf(before)) === 0, name);
  }
});

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
