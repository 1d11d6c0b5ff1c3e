import assert from "node:assert/strict";
import { test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { graphOf, input } from "../../compute/graph.ts";
import type { ParameterSpec } from "../../models/parameters.ts";
import { createGraphRule } from "../../training/optimizers/create-optimizer.ts";
import { groupParameters, joined, parted, stepRates } from "../../training/parameter-groups.ts";
import { completeArguments, type TrainingArguments } from "../../training/training-arguments.ts";

const spec = (name: string, shape: readonly number[], decays: boolean) =>
  ({ name, shape, decays, initial: "zeros" }) satisfies ParameterSpec;

const layers: readonly ParameterSpec[] = [
  spec("layer.0.weight", [2, 2], true),
  spec("layer.0.bias", [2], false),
  spec("layer.0.norm", [2], false),
  spec("layer.1.weight", [2, 2], true),
  spec("layer.1.bias", [2], false),
  spec("layer.1.scale", [2], true),
  spec("layer.1.wide", [3], false),
];

function groupsOf(given: Partial<TrainingArguments>): string[][] {
  const complete = completeArguments(given);
  const rule = createGraphRule(complete);
  const groups = groupParameters(layers, rule, stepRates(rule, layers, complete));
  return groups.map(({ specs }) => specs.map(({ name }) => name));
}

test("vectors of one rate, decay and size are changed as one", () => {
  assert.deepEqual(groupsOf({ weight_decay: 0.1 }), [
    ["layer.0.weight"],
    ["layer.0.bias", "layer.0.norm", "layer.1.bias"],
    ["layer.1.weight"],
    ["layer.1.scale"],
    ["layer.1.wide"],
  ]);
  assert.deepEqual(groupsOf({ optim: "sgd", layerwise_lr_decay: 0.5 }), [
    ["layer.0.weight"],
    ["layer.0.bias", "layer.0.norm"],
    ["layer.1.weight"],
    ["layer.1.bias", "layer.1.scale"],
    ["layer.1.wide"],
  ]);
});

test("adafactor, which clips each parameter by itself, changes each alone", () => {
  assert.deepEqual(
    groupsOf({ optim: "adafactor" }),
    layers.map(({ name }) => [name]),
  );
});

for (const count of [1, 7, 8, 50, 124])
  test(`${count} vectors joined and parted are themselves; no kernel writes more than 7`, async () => {
    const specs = Array.from({ length: count }, (_, i) => spec(`v${i}`, [5], false));
    const whole = joined(specs.map(({ name, shape }) => input(name, shape)));
    const parts = parted(whole, specs);
    const graph = graphOf(Object.fromEntries(parts.map((part, i) => [`out${i}`, part])));
    const splits = graph.nodes.filter(({ op }) => op === "Split");
    assert.deepEqual(
      splits.filter(({ attributes }) => (attributes.sizes as number[]).length > 7),
      [],
    );
    const vectors = specs.map(({ name, shape }, i) => {
      const data = Float32Array.from({ length: shape[0]! }, (_, k) => 10 * i + k);
      return [name, { dtype: "float32", shape, data }] as const;
    });
    const device = await openOnnxruntimeDevice({ threads: 1, spinning: false });
    const executable = await device.compile(graph);
    const found = await executable.run(new Map(vectors));
    await executable.release();
    assert.deepEqual(
      found,
      Object.fromEntries(vectors.map(([, vector], i) => [`out${i}`, vector])),
    );
  });
