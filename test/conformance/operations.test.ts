import assert from "node:assert/strict";
import { test } from "node:test";
import { gradientRules } from "../../compute/autodiff.ts";
import type { Device } from "../../compute/device.ts";
import { expansions } from "../../compute/expand-composites.ts";
import { type Graph, graphOf, input, nameOf } from "../../compute/graph.ts";
import { lowerings } from "../../compute/onnx/lowering.ts";
import * as ops from "../../compute/ops.ts";
import { drawTensors } from "../rig/case-data.ts";
import { assertConforms, forEachDevice, reference } from "../rig/conformance-devices.ts";
import { graphOfCase } from "../rig/graph-of-case.ts";
import { type OperationCase, operationCases } from "../rig/operation-cases.ts";
import { encoderTensor, smallEncoder } from "../rig/small-encoder.ts";
import { typeCases } from "../rig/type-cases.ts";

// Every operation on every device: its value, and the gradients of its float inputs.
// test/compute compares the reference itself with PyTorch and with differences.

async function compute(device: Device, graph: Graph, tensors: ReturnType<typeof drawTensors>) {
  const executable = await device.compile(graph);
  try {
    return await executable.run(tensors);
  } finally {
    await executable.release();
  }
}

async function compare(device: Device, one: OperationCase, { seed = 1 } = {}): Promise<void> {
  const { graph } = graphOfCase(one);
  const tensors = drawTensors(one.inputs, seed);
  const expected = await compute(reference, graph, tensors);
  assertConforms(await compute(device, graph, tensors), expected);
}

/** Sizes that fill no block of a kernel, and an axis longer than one. */
const odd: OperationCase[] = [
  {
    name: "rows of 1037",
    inputs: { a: { shape: [3, 1037] }, b: { shape: [1037] } },
    build: ({ a, b }) => ops.softmax(ops.add(ops.mul(a!, b!), ops.reduceMax(a!, [1], true))),
  },
  {
    name: "a product of 67 x 301 x 131",
    inputs: { a: { shape: [67, 301] }, b: { shape: [131, 301] }, c: { shape: [131] } },
    build: ({ a, b, c }) => ops.linear(a!, b!, c!),
  },
  {
    name: "an axis of size 1",
    inputs: { a: { shape: [1, 1, 1] }, b: { shape: [1] } },
    build: ({ a, b }) => ops.reduceMean(ops.mul(ops.transpose(a!, [2, 0, 1]), b!), [0]),
  },
];

await forEachDevice((name, device) => {
  for (const one of [...operationCases, ...odd])
    test(`${name}: ${one.name}: value and gradient`, () => compare(device, one));

  for (const { name: of, inputs, graph } of typeCases)
    test(`${name}: ${of}`, async () => {
      const tensors = drawTensors(inputs);
      const expected = await compute(reference, graph, tensors);
      assertConforms(await compute(device, graph, tensors), expected);
    });

  test(`${name}: a graph that is run again, with other inputs, and one of the first run's outputs`, async () => {
    const x = input("x", [2, 3]);
    const executable = await device.compile(graphOf({ y: ops.exp(x), same: x }));
    const first = await executable.run(drawTensors({ x: { shape: [2, 3] } }, 1));
    const before = structuredClone(first);
    await executable.run(drawTensors({ x: { shape: [2, 3] } }, 2));
    assert.deepEqual(first, before);
    const again = await executable.run({ x: first.same! });
    await executable.release();
    assert.deepEqual(again, first);
  });

  test(`${name}: an encoder's outputs, of sizes that fill no block`, async () => {
    const sizes = { batch: 3, length: 33, width: 96, heads: 4 };
    const { loss, logits, hidden } = smallEncoder(sizes);
    const graph = graphOf({ loss, logits, hidden });
    const tensors = Object.fromEntries(graph.inputs.map((v) => [nameOf(v), encoderTensor(v)]));
    const expected = await compute(reference, graph, tensors);
    assertConforms(await compute(device, graph, tensors), expected);
  });
});

test("every operation that exists is covered", () => {
  const covered = new Set<string>();
  for (const one of operationCases)
    for (const { op } of graphOfCase(one).graph.nodes) covered.add(op);
  const known = [lowerings, expansions, gradientRules].flatMap((table) => Object.keys(table));
  assert.deepEqual(
    known.filter((op) => !covered.has(op)),
    [],
  );
});

test("a device that computes one operation wrongly is found", async () => {
  const wrong: Device = {
    facts: reference.facts,
    compile: (graph) => {
      const outputs = Object.entries(Object.fromEntries(graph.outputs));
      return reference.compile(
        graphOf(Object.fromEntries(outputs.map(([name, y]) => [name, ops.mul(y, 1.001)]))),
      );
    },
  };
  for (const one of operationCases)
    await assert.rejects(compare(wrong, one), /times the tolerance/, one.name);
});
