import assert from "node:assert/strict";
import { test } from "node:test";
import { gradients } from "../../compute/autodiff.ts";
import type { Tensors } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime.ts";
import { expansions } from "../../compute/expand-composites.ts";
import { constant, type Graph, graphOf, input, sizeOf, type Value } from "../../compute/graph.ts";
import { lowerings } from "../../compute/onnx/lowering.ts";
import * as ops from "../../compute/ops.ts";
import { assertClose } from "../rig/assert-close.ts";
import { drawTensors } from "../rig/case-data.ts";
import { interpret, interpreterRules } from "../rig/interpreter.ts";
import { type OperationCase, operationCases } from "../rig/operation-cases.ts";

const device = await openOnnxruntimeDevice({ threads: 2, spinning: false });

/** The case's value y, the scalar Σ y·w for fixed weights w, and its gradients, as one graph. */
function graphOfCase({ inputs, build }: OperationCase): { graph: Graph; floats: string[] } {
  const values = Object.entries(inputs).map(([name, { shape, dtype }]) =>
    input(name, shape, dtype),
  );
  const named = Object.fromEntries(values.map((value) => [value.attributes.name, value]));
  const y = build(named);
  const weights = Array.from({ length: sizeOf(y.shape) }, (_, i) => Math.cos(i) + 0.3);
  const weighted = ops.mul(y, constantOf(weights, y));
  const loss = ops.reduceSum(
    weighted,
    weighted.shape.map((_, axis) => axis),
  );
  const floats = values.filter((value) => value.dtype === "float32");
  const found = gradients(loss, floats).map(
    (g, i) => [`g.${floats[i]!.attributes.name}`, g] as const,
  );
  return {
    graph: graphOf({ y, loss, ...Object.fromEntries(found) }),
    floats: floats.map((value) => value.attributes.name as string),
  };
}

function constantOf(weights: readonly number[], like: Value): Value {
  return ops.reshape(constant(weights), like.shape);
}

function arraysOf(tensors: Tensors): Record<string, Float64Array> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { data }]) => [
      name,
      Float64Array.from(data as Float32Array, Number),
    ]),
  );
}

for (const one of operationCases) {
  test(`${one.name}: value and gradient`, async () => {
    const { graph, floats } = graphOfCase(one);
    const tensors = drawTensors(one.inputs);
    const arrays = arraysOf(tensors);
    const exact = interpret(graph, arrays);

    for (const name of floats) {
      const differences = arrays[name]!.map((x, i) => {
        const [up, down] = [x + 1e-5, x - 1e-5].map((moved) => {
          const near = { ...arrays, [name]: arrays[name]!.with(i, moved) };
          return interpret(graph, near).loss![0]!;
        });
        return (up! - down!) / 2e-5;
      });
      assertClose(exact[`g.${name}`]!, differences, 1e-7, `gradient of ${name} by differences`);
    }

    const executable = await device.compile(graph);
    for (const [name, { data }] of Object.entries(await executable.run(tensors)))
      assertClose(data, exact[name]!, 2e-6, `${name} on onnxruntime`);
    await executable.release();
  });
}

test("every operation has a case, a rule of the interpreter and an ONNX form", () => {
  const covered = new Set<string>();
  for (const one of operationCases)
    for (const { op } of graphOfCase(one).graph.nodes) covered.add(op);
  const known = Object.keys(interpreterRules);
  assert.deepEqual(
    known.filter((op) => !covered.has(op)),
    [],
  );
  const needed = new Set([
    ...Object.keys(lowerings),
    ...Object.keys(expansions),
    "Input",
    "Result",
  ]);
  assert.deepEqual(
    [...covered].filter((op) => !needed.has(op)),
    [],
  );
  assert.deepEqual(
    [...needed].filter((op) => !covered.has(op)),
    [],
  );
});
