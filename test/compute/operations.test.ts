import assert from "node:assert/strict";
import { test } from "node:test";
import { gradientRules } from "../../compute/autodiff.ts";
import type { Tensors } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { expansions } from "../../compute/expand-composites.ts";
import { graphOf, input, type Value } from "../../compute/graph.ts";
import { lowerings } from "../../compute/onnx/lowering.ts";
import * as ops from "../../compute/ops.ts";
import { assertClose } from "../rig/assert-close.ts";
import { drawTensors } from "../rig/case-data.ts";
import { graphOfCase } from "../rig/graph-of-case.ts";
import { interpret, interpreterRules } from "../rig/interpreter.ts";
import { type OperationCase, operationCases } from "../rig/operation-cases.ts";

const device = await openOnnxruntimeDevice({ threads: 2, spinning: false });

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

/** The operations between a case's floats and its value: those whose gradients its differences check. */
function differentiated({ inputs, build }: OperationCase): ReadonlySet<string> {
  const values = Object.entries(inputs).map(
    ([name, { shape, dtype }]) => [name, input(name, shape, dtype)] as const,
  );
  const active = new Set<Value>(
    values.flatMap(([, value]) => (value.dtype === "float32" ? [value] : [])),
  );
  const found = new Set<string>();
  for (const node of graphOf({ y: build(Object.fromEntries(values)) }).nodes) {
    if (!node.inputs.some((read) => active.has(read))) continue;
    active.add(node);
    if (node.op in gradientRules) found.add(node.op);
  }
  return found;
}

/** Of no float, or the same wherever its inputs move a little. */
const WITHOUT_GRADIENT = ["Constant", "Equal", "Greater"];
/** Parts of other operations, for their gradients. */
const PARTS = ["attentionParts", "layerNormStatistics", "rmsNormStatistics"];

test("every operation's gradient is compared with finite differences", (t) => {
  const compared = new Set(operationCases.flatMap((one) => [...differentiated(one)]));
  t.diagnostic(`gradients compared in float64: ${[...compared].sort().join(", ")}`);
  const all = [...Object.keys(lowerings), ...Object.keys(expansions)];
  assert.deepEqual(all.filter((op) => !compared.has(op)).sort(), WITHOUT_GRADIENT);
  assert.deepEqual([...compared].sort(), Object.keys(gradientRules).sort());

  const functions = Object.keys(ops).filter((name) => !PARTS.includes(name));
  const names = operationCases.map(({ name }) => name.toLowerCase());
  t.diagnostic(`functions with a case: ${functions.join(", ")}`);
  assert.deepEqual(
    functions.filter((name) => !names.some((one) => one.includes(name.toLowerCase()))),
    [],
  );
});
