import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { assertClose } from "../rig/assert-close.ts";
import { drawTensors } from "../rig/case-data.ts";
import { graphOfCase } from "../rig/graph-of-case.ts";
import { interpret } from "../rig/interpreter.ts";
import { operationCases } from "../rig/operation-cases.ts";

interface GoldenCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly y: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

const golden: { torch: string; cases: readonly GoldenCase[] } = JSON.parse(
  readFileSync(new URL("../golden/ops.json", import.meta.url), "utf8"),
);
const device = await openOnnxruntimeDevice({ threads: 1, spinning: false });

for (const { name, inputs, y, gradients } of golden.cases)
  test(`${name}: as PyTorch ${golden.torch}`, async () => {
    const one = operationCases.find((other) => other.name === name)!;
    const given = Object.fromEntries(
      Object.entries(one.inputs).map(([key, input]) => [key, { ...input, values: inputs[key]! }]),
    );
    const { graph } = graphOfCase({ ...one, inputs: given });
    const tensors = drawTensors(given);
    const exact = interpret(graph, inputs);
    const executable = await device.compile(graph);
    const computed = await executable.run(tensors);
    await executable.release();
    const expected = { y, ...prefixed(gradients) };
    for (const [output, values] of Object.entries(expected)) {
      // The constants of a graph are float32, the interpreter float64.
      assertClose(exact[output]!, values, 5e-7, `${output} in float64`);
      assertClose(computed[output]!.data, values, 2e-6, `${output} on onnxruntime`);
    }
  });

function prefixed(gradients: GoldenCase["gradients"]): Record<string, readonly number[]> {
  return Object.fromEntries(Object.entries(gradients).map(([key, values]) => [`g.${key}`, values]));
}
