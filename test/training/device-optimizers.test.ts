import assert from "node:assert/strict";
import { test } from "node:test";
import type { Device, TensorData } from "../../compute/device.ts";
import { gradientGraph } from "../../compute/gradient-graph.ts";
import { input, nameOf, sizeOf } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";
import { type ParameterSpec, parameter } from "../../models/parameters.ts";
import { updateGraph } from "../../training/device-graphs.ts";
import { clipScale, GradientSum } from "../../training/gradient-sum.ts";
import { createGraphRule, createOptimizer } from "../../training/optimizers/create-optimizer.ts";
import { wholeSlot } from "../../training/optimizers/whole-slot.ts";
import { completeArguments, type TrainingArguments } from "../../training/training-arguments.ts";
import { generator } from "../rig/case-data.ts";
import { howToGetOrt, openOrtCpu } from "../rig/ort-cpu-device.ts";
import { howToGetSoftwareAdapter, openTestWebgpu, testAdapter } from "../rig/software-adapter.ts";

// Each optimizer as a part of a graph, beside the same one on the host, which optimizers.test.ts holds beside PyTorch's.

const settings: readonly Partial<TrainingArguments>[] = [
  {},
  { weight_decay: 0.1, adam_beta1: 0.8, adam_beta2: 0.99, adam_epsilon: 1e-6 },
  { weight_decay: 0.1, layerwise_lr_decay: 0.5 },
  { optim: "sgd" },
  { optim: "sgd", weight_decay: 0.1 },
  { optim: "sgd", weight_decay: 0.1, optim_args: { momentum: 0.9 } },
  { optim: "sgd", layerwise_lr_decay: 0.5, optim_args: { momentum: 0.8, nesterov: true } },
  { optim: "lion_32bit" },
  { optim: "lion_32bit", weight_decay: 0.1, adam_beta2: 0.95 },
  { optim: "adafactor" },
  { optim: "adafactor", weight_decay: 0.1, layerwise_lr_decay: 0.9 },
];

const spec = (name: string, shape: readonly number[], decays: boolean) =>
  ({ name, shape, decays, initial: "zeros" }) satisfies ParameterSpec;
const specs: readonly ParameterSpec[] = [
  spec("embeddings.table", [6, 4], true),
  spec("layer.0.weight", [3, 4], true),
  spec("layer.0.bias", [4], false),
  spec("layer.1.weight", [5, 7], true),
  spec("layer.1.scale", [7], false),
  { ...spec("layer.2.weight", [2, 2], true), frozen: true },
  spec("head.weight", [2, 3, 2], true),
  spec("head.bias", [2], false),
];
const [STEPS, TOLERANCE] = [20, 1e-6];
const IDS = [1, 4, 1]; // of the table: the rows that have a gradient, one of them twice
const isTable = (name: string) => name === "embeddings.table";

const draw = generator(7);
const floats = (shape: readonly number[], scale: number): TensorData => ({
  dtype: "float32",
  shape,
  data: Float32Array.from({ length: sizeOf(shape) }, () => scale * (2 * draw() - 1)),
});
const start = new Map(specs.map(({ name, shape }) => [name, floats(shape, 1)] as const));
const steps = Array.from({ length: STEPS }, (_, step) => ({
  learningRate: 1e-2 * (1 - step / STEPS),
  gradients: specs
    .filter(({ frozen }) => !frozen)
    .map(({ name, shape }) => [name, floats(isTable(name) ? [3, 4] : shape, 1)] as const),
}));

function onHost(given: TrainingArguments) {
  const optimizer = createOptimizer(specs, given);
  const parameters = new Map(
    [...start].map(([name, { shape, data }]) => [
      name,
      parameter(shape, (data as Float32Array).slice()),
    ]),
  );
  for (const { learningRate, gradients } of steps) {
    const sum = new GradientSum();
    for (const [name, { data }] of gradients) {
      const own = (data as Float32Array).slice();
      if (!isTable(name)) sum.addDense(name, own);
      else sum.addRows(name, { ids: IDS, gradients: own, paddingRow: undefined });
    }
    const gradientScale = clipScale(sum.norm(), given.max_grad_norm);
    optimizer.step(parameters, sum, { learningRate, gradientScale });
  }
  return { parameters, state: optimizer.state() };
}

/** A loss whose gradients are inputs: of the table for three lookups, of the others whole. */
function givenGradients() {
  const params = specs.map(({ name, shape }) => input(name, shape));
  const terms = params.map((value) => {
    const read = isTable(nameOf(value)) ? ops.gather(value, input("ids", [3], "int32")) : value;
    const product = ops.mul(read, input(`given.${nameOf(value)}`, read.shape));
    return ops.reduceSum(ops.reshape(product, [-1]), [0]);
  });
  const loss = terms.reduce((sum, term) => ops.add(sum, term));
  const trained = params.filter((_, i) => !specs[i]!.frozen);
  return { ...gradientGraph({ loss }, trained), dropoutSites: [] };
}

async function onDevice(device: Device, given: TrainingArguments) {
  const held = device.hold!();
  await held.write(start);
  const model = { parameters: specs };
  const { graph, next } = updateGraph(givenGradients(), { model, given, adds: false });
  const slots = graph.inputs.filter(
    (value) => !start.has(nameOf(value)) && [...next.values()].includes(nameOf(value)),
  );
  for (const value of slots) await held.write([[nameOf(value), floats(value.shape, 0)]]);
  const executable = await held.compile(graph, { next });
  const rule = createGraphRule(given);
  const frozen = floats([2, 2], 0);
  for (const [step, { learningRate, gradients }] of steps.entries()) {
    const numbers = { learning_rate: learningRate, ...rule.numbers(step + 1) };
    const inputs = new Map<string, TensorData>([["given.layer.2.weight", frozen]]);
    inputs.set("ids", { dtype: "int32", shape: [3], data: Int32Array.from(IDS) });
    for (const [name, gradient] of gradients) inputs.set(`given.${name}`, gradient);
    for (const [name, value] of Object.entries(numbers))
      inputs.set(name, { dtype: "float32", shape: [], data: Float32Array.of(value) });
    await executable.run(inputs);
  }
  const parameters = await held.read(start.keys());
  const state = await held.read(slots.map(nameOf));
  await executable.release();
  await held.release();
  return { parameters, state };
}

async function compare(device: Device, given: TrainingArguments): Promise<void> {
  const [expected, made] = [onHost(given), await onDevice(device, given)];
  assert.deepEqual([...made.parameters.keys()], [...expected.parameters.keys()]);
  for (const [name, { data }] of expected.parameters) assertNear(made.parameters, name, data);
  const trained = specs.filter(({ frozen }) => !frozen);
  const slots = trained.flatMap(({ name, shape }) =>
    Object.entries(createGraphRule(given).slots(shape)).map(
      ([slot, of]) => [`${slot}.${name}`, { name, shape: of }] as const,
    ),
  );
  assert.deepEqual([...made.state.keys()].sort(), slots.map(([key]) => key).sort());
  for (const [key, of] of slots) assertNear(made.state, key, wholeSlot(expected.state, key, of)!);
}

function assertNear(
  made: ReadonlyMap<string, TensorData>,
  name: string,
  expected: Float32Array,
): void {
  const { data } = made.get(name)!;
  assert.equal(data.length, expected.length);
  for (const [i, value] of expected.entries()) {
    const difference = Math.abs(Number(data[i]) - value);
    assert.ok(difference < TOLERANCE, `${name}[${i}] is off by ${difference}`);
  }
}

const isLinux = process.platform === "linux";
const devices = [
  {
    name: "cpu, as cuda is reached",
    device: isLinux ? await openOrtCpu() : undefined,
    skip: !isLinux && howToGetOrt,
  },
  {
    name: "webgpu",
    device: testAdapter() && (await openTestWebgpu()),
    skip: testAdapter() === undefined && howToGetSoftwareAdapter,
  },
];

for (const { name, device, skip } of devices)
  for (const given of settings)
    test(`${name}: ${STEPS} steps of ${JSON.stringify(given)} equal the host's`, { skip }, () =>
      compare(device!, completeArguments({ ...given, max_grad_norm: 0.5 })),
    );
