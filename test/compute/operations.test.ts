import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tensors } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime.ts";
import { expansions } from "../../compute/expand-composites.ts";
import { lowerings } from "../../compute/onnx/lowering.ts";
import { assertClose } from "../rig/assert-close.ts";
import { drawTensors } from "../rig/case-data.ts";
import { graphOfCase } from "../rig/graph-of-case.ts";
import { interpret, interpreterRules } from "../rig/interpreter.ts";
import { operationCases } from "../rig/operation-cases.ts";

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
