import { test } from "node:test";
import type { Device, TensorData } from "../../compute/device.ts";
import { nameOf, sizeOf } from "../../compute/graph.ts";
import { DROPOUT_KEY } from "../../training/computed-masks.ts";
import { updateGraph } from "../../training/device-graphs.ts";
import { dropoutKey } from "../../training/dropout-key.ts";
import { InputBuffers } from "../../training/input-buffers.ts";
import { completeArguments, type TrainingArguments } from "../../training/training-arguments.ts";
import { trainingGraph } from "../../training/training-graph.ts";
import { assertConforms, reference } from "../rig/conformance-devices.ts";
import { twins } from "../rig/small-configs.ts";
import { howToGetSoftwareAdapter, openTestWebgpu, testAdapter } from "../rig/software-adapter.ts";
import { type StepCase, stepCases } from "../rig/step-case.ts";

// The graph that ends a step on a device, of every family and task: lookups, gradients placed in their tables, clipping
// and the optimizer, all there, and dropout masks, which the processor is given. So are moments, because from zeros
// AdamW makes as much of rounding noise as of a gradient.

const webgpu = testAdapter() && (await openTestWebgpu());
const skip = webgpu === undefined && howToGetSoftwareAdapter;
const given = { weight_decay: 0.01, max_grad_norm: 0.5, ema_decay: 0.9 };
const role = { seed: 5, step: 0, part: 0 };
const scalars = {
  learning_rate: 1e-2,
  first_scale: 1.2,
  second_scale: 1.1,
  square_keep: 0.4,
  square_share: 0.6,
  average_share: 0.1,
};

/** The step on a device: its masks are given, or computed there. */
async function step(
  device: Device,
  { start, batch, options }: StepCase,
  { computesMasks, ...more }: { computesMasks: boolean } & Partial<TrainingArguments>,
) {
  const { model, parameters } = start;
  const training = trainingGraph(model, batch.sizes, { ...options, computesMasks });
  const { graph } = updateGraph(training, {
    model,
    given: completeArguments({ ...given, ...more }),
    adds: false,
  });
  const inputs = new Map<string, TensorData>([...parameters, ...batch.tensors]);
  new InputBuffers().addMasks(inputs, training.dropoutSites, role);
  inputs.set(DROPOUT_KEY, { dtype: "int32", shape: [4], data: dropoutKey(role) });
  for (const value of graph.inputs) {
    const name = nameOf(value);
    if (inputs.has(name)) continue;
    const filled = name in scalars ? scalars[name as keyof typeof scalars] : 0.01;
    const data = new Float32Array(sizeOf(value.shape)).fill(filled);
    inputs.set(name, { dtype: "float32", shape: value.shape, data });
  }
  const executable = await device.compile(graph, { repeats: options?.checkpointing ?? false });
  const outputs = await executable.run(inputs);
  await executable.release();
  return outputs;
}

async function compare(one: StepCase, more: Partial<TrainingArguments> = {}): Promise<void> {
  const made = await step(webgpu!, one, { ...more, computesMasks: true });
  assertConforms(made, await step(reference, one, { ...more, computesMasks: false }));
}

const cases = stepCases();
for (const one of cases) {
  const { model } = one.start;
  const isTwin = Object.keys(twins).some((twin) => one.name.startsWith(`${twin} `));
  if (model.task === "feature-extraction" || isTwin) continue;
  test(`webgpu: a whole step of ${one.name}`, { skip }, () => compare(one));
}

const others: readonly Partial<TrainingArguments>[] = [
  { optim: "sgd", optim_args: { momentum: 0.9, nesterov: true } },
  { optim: "lion_32bit" },
  { optim: "adafactor" },
];
for (const more of others)
  test(`webgpu: a whole step of ${cases[0]!.name} with ${more.optim}`, { skip }, () =>
    compare(cases[0]!, more),
  );
