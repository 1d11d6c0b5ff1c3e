import assert from "node:assert/strict";
import { test } from "node:test";
import type { Device, HeldTensors } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { createModel, formatPretrained } from "../../models/pretrained.ts";
import { type FineTuneOptions, fineTune } from "../../training/fine-tune.ts";
import { optimizers, type TrainingArguments } from "../../training/training-arguments.ts";
import { assertClose } from "../rig/assert-close.ts";
import { markedConfig, markedRows } from "../rig/marked-rows.ts";
import { MemoryCheckpoints } from "../rig/memory-checkpoints.ts";
import { howToGetOrt, openOrtCpu } from "../rig/ort-cpu-device.ts";
import { relativeError } from "../rig/reference-case.ts";
import { howToGetSoftwareAdapter, openTestWebgpu, testAdapter } from "../rig/software-adapter.ts";

// Weights and optimizer on the device, beside the processor with its optimizer on the host: WebGPU on a software driver,
// and what CUDA is reached by, with the processor in its place.

const cpu = await openOnnxruntimeDevice({ threads: 1 });
const isLinux = process.platform === "linux";
const devices = [
  {
    name: "webgpu",
    device: testAdapter() && (await openTestWebgpu()),
    skip: testAdapter() === undefined && howToGetSoftwareAdapter,
  },
  {
    name: "cpu, as cuda is reached",
    device: isLinux ? await openOrtCpu() : undefined,
    skip: !isLinux && howToGetOrt,
  },
];

/** A test on each device that holds tensors. */
function each(title: string, run: (device: Device) => Promise<void>): void {
  for (const { name, device, skip } of devices)
    test(`${name}: ${title}`, { skip }, () => run(device!));
}

const start = createModel(markedConfig, {
  task: "sequence-classification",
  labels: ["even", "odd"],
  seed: 1,
});
const dataset = markedRows(46, 1);
const evaluation = markedRows(20, 2);

async function train(
  device: Device,
  given: Partial<TrainingArguments>,
  options: Partial<FineTuneOptions> = {},
) {
  const losses: number[] = [];
  const { trained, state } = await fineTune({
    start,
    dataset,
    device,
    arguments: { per_device_train_batch_size: 8, learning_rate: 5e-3, logging_steps: 1, ...given },
    ...options,
    onProgress: (progress) => {
      losses.push(progress.loss);
      options.onProgress?.(progress);
    },
  });
  const weights = Buffer.from(formatPretrained(trained).get("model.safetensors")!);
  return { losses, state, trained, weights };
}

each("20 steps have the CPU's losses, gradient norms and weights", async (resident) => {
  const given = { max_steps: 20, weight_decay: 0.01, max_grad_norm: 0.5, warmup_steps: 3 };
  const [expected, made] = [await train(cpu, given), await train(resident, given)];
  assert.equal(made.losses.length, 20);
  assertClose(made.losses, expected.losses, 1e-3, "losses");
  const norms = ({ state }: typeof made) =>
    state.log_history.flatMap(({ grad_norm }) => grad_norm ?? []);
  assertClose(norms(made), norms(expected), 1e-3, "gradient norms");
  for (const [name, { data }] of expected.trained.parameters) {
    const error = relativeError(
      made.trained.parameters.get(name)!.data,
      data,
      start.parameters.get(name)!.data,
    );
    // The gradient of a key bias is rounding noise, of which AdamW makes steps.
    if (!name.endsWith("key.bias")) assert.ok(error < 2e-2, `change of ${name}: error ${error}`);
  }
});

each(
  "added-up batches, a moving average, layers of other rates and an evaluation",
  async (resident) => {
    const given: Partial<TrainingArguments> = {
      max_steps: 4,
      gradient_accumulation_steps: 2,
      per_device_train_batch_size: 4,
      ema_decay: 0.9,
      layerwise_lr_decay: 0.5,
      max_grad_norm: 0,
      eval_strategy: "steps",
      eval_steps: 2,
    };
    const [expected, made] = [
      await train(cpu, given, { evaluation }),
      await train(resident, given, { evaluation }),
    ];
    assertClose(made.losses, expected.losses, 1e-3, "losses");
    const evaluations = ({ state }: typeof made) =>
      state.log_history.flatMap(({ eval_loss }) => eval_loss ?? []);
    assert.equal(evaluations(made).length, 2);
    assertClose(evaluations(made), evaluations(expected), 1e-3, "losses of the average");
  },
);

each("killed and resumed gives the bytes of a straight training, every time", async (resident) => {
  const given: Partial<TrainingArguments> = {
    max_steps: 6,
    weight_decay: 0.01,
    save_strategy: "steps",
    save_steps: 2,
    ema_decay: 0.8,
  };
  const straight = await train(resident, given);
  const again = await train(resident, given);
  assert.deepEqual(again.weights, straight.weights);
  const checkpoints = new MemoryCheckpoints();
  const onProgress = ({ step }: { step: number }) => {
    if (step === 5) throw new Error("killed");
  };
  await assert.rejects(train(resident, given, { checkpoints, onProgress }), { message: "killed" });
  assert.deepEqual(checkpoints.names, ["checkpoint-2", "checkpoint-4"]);
  const resumed = await train(resident, given, { checkpoints });
  assert.equal(resumed.losses.length, 2);
  assert.deepEqual(resumed.weights, straight.weights);
  assert.deepEqual(resumed.state, straight.state);
});

each("layers that are computed again, with their masks, give the same bytes", async (device) => {
  const deep = createModel(
    { ...markedConfig, num_hidden_layers: 3 },
    { task: "sequence-classification", labels: ["even", "odd"], seed: 1 },
  );
  const given = { max_steps: 3, weight_decay: 0.01 };
  const kept = await train(device, given, { start: deep });
  const again = await train(device, { ...given, gradient_checkpointing: true }, { start: deep });
  assert.deepEqual(again.losses, kept.losses);
  assert.deepEqual(again.weights, kept.weights);
});

/** The device, with the traffic of what it holds after each step. */
function watched(device: Device) {
  let held: HeldTensors | undefined;
  const watching: Device = {
    ...device,
    hold() {
      held = device.hold!();
      return held;
    },
  };
  return { device: watching, traffic: () => ({ ...held!.traffic }) };
}

/** Numbers that a step sends beside its batch: the learning rate, and what the optimizer makes of the step's number. */
const scalars = { adamw_torch: 3, sgd: 1, lion_32bit: 1, adafactor: 3 } as const;

for (const optim of optimizers)
  each(
    `${optim}: in a step after the first the batch goes in and the loss comes out, nothing else`,
    async (resident) => {
      const { device, traffic } = watched(resident);
      const seen: { toDevice: number; toHost: number }[] = [];
      const [steps, rows] = [3, 8];
      const length = 16; // of the longest row, padded
      const onProgress = () => seen.push(traffic());
      const given = { optim, max_steps: steps, learning_rate: 1e-4 };
      const few = { dataset: markedRows(rows, 1) };
      const made = await train(device, given, { ...few, onProgress });
      assertClose(made.losses, (await train(cpu, given, few)).losses, 1e-3, "losses");
      const tokens = 4 * rows * length;
      const batch = {
        input_ids: tokens,
        attention_mask: tokens,
        token_type_ids: tokens,
        labels: 4 * rows,
        label_weights: 4 * rows,
      };
      const dropoutKey = 4 * 4; // of which the device makes the masks
      const moved = seen.slice(1).map(({ toDevice, toHost }, i) => ({
        toDevice: toDevice - seen[i]!.toDevice,
        toHost: toHost - seen[i]!.toHost,
      }));
      const sum = (sizes: Readonly<Record<string, number>>) =>
        Object.values(sizes).reduce((total, bytes) => total + bytes);
      const expected = {
        toDevice: sum(batch) + dropoutKey + 4 * scalars[optim],
        toHost: 4 + 4, // the loss, and the gradient's norm
      };
      assert.deepEqual(moved, Array(steps - 1).fill(expected));
    },
  );
