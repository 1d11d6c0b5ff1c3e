import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TensorData, Tensors } from "../../compute/device.ts";
import { openOnnxruntimeDevice } from "../../compute/devices/onnxruntime/onnxruntime.ts";
import { type NarrowType, nameOf, sizeOf, type Value } from "../../compute/graph.ts";
import { exportOnnx } from "../../compute/onnx/export-onnx.ts";
import { trainingGraph } from "../../training/training-graph.ts";
import { generator } from "./case-data.ts";
import { roundingDevice } from "./rounding-device.ts";
import { type StepCase, stepCases } from "./step-case.ts";

// Writes a training step of every family and task in float16 and bfloat16 as ONNX files into the folder it is given, each
// with inputs and what the rig's rounding device computes from them. test/golden/check_narrow_models.py reads them.

const folder = process.argv[2]!;
mkdirSync(folder, { recursive: true });
const device = roundingDevice(await openOnnxruntimeDevice({ threads: 1, spinning: false }));
const trained = stepCases().filter(({ start }) => start.model.task !== "feature-extraction");
for (const type of ["float16", "bfloat16"] as const)
  for (const one of trained) await writeModelOf(one, type);

async function writeModelOf({ name, start, batch, options }: StepCase, type: NarrowType) {
  const { graph } = trainingGraph(start.model, batch.sizes, { ...options, mixedPrecision: type });
  const known = new Map<string, TensorData>([...start.parameters, ...batch.tensors]);
  const inputs = Object.fromEntries(
    graph.inputs.map((value) => [nameOf(value), known.get(nameOf(value)) ?? drawn(value)]),
  );
  const executable = await device.compile(graph);
  const outputs = await executable.run(inputs);
  await executable.release();
  const path = join(folder, `${name} in ${type}`);
  writeFileSync(`${path}.onnx`, exportOnnx(graph));
  writeFileSync(`${path}.json`, JSON.stringify({ inputs: plain(inputs), outputs: plain(outputs) }));
}

/** Embedding rows, dropout masks, and the scale of the loss. */
function drawn({ dtype, shape }: Value): TensorData {
  const random = generator(11);
  const count = sizeOf(shape);
  if (dtype === "uint8")
    return { dtype, shape, data: Uint8Array.from({ length: count }, () => Number(random() > 0.1)) };
  const data = Float32Array.from({ length: count }, () => (count === 1 ? 64 : random() - 0.5));
  return { dtype, shape, data };
}

function plain(tensors: Tensors) {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, data }]) => [
      name,
      { dtype, shape, data: Array.from<number | bigint, number>(data, Number) },
    ]),
  );
}
