import onnxProto from "onnx-proto";
import { steadyScatters } from "../../compute/devices/steady-scatter.ts";
import type { Graph } from "../../compute/graph.ts";
import { exportOnnx } from "../../compute/onnx/export-onnx.ts";

const { ModelProto, TensorProto } = onnxProto.onnx;
const typeNames = new Map(
  Object.entries(TensorProto.DataType).map(([name, number]) => [number, name.toLowerCase()]),
);

/** A graph as the CUDA device gives it to ONNX Runtime. */
export function cudaModel(graph: Graph): Uint8Array {
  return exportOnnx(steadyScatters(graph));
}

/**
 * The nodes of an ONNX file without duplicates, each as its operator with the types of its elements:
 * `Where(bool, float, float) -> float`. What decides which kernel a provider takes.
 */
export function nodeSignatures(file: Uint8Array): ReadonlySet<string> {
  const graph = ModelProto.decode(file).graph!;
  const types = new Map<string, string>([["", "-"]]);
  for (const { name, type } of graph.input!)
    types.set(name!, typeNames.get(type!.tensorType!.elemType!)!);
  for (const { name, dataType } of graph.initializer!) types.set(name!, typeNames.get(dataType!)!);
  const found = new Set<string>();
  for (const node of graph.node!) {
    const inputs = node.input!.map((name) => types.get(name)!);
    const attribute = node.attribute!.find(({ name }) => name === "to");
    const output = attribute
      ? typeNames.get(Number(attribute.i))!
      : outputType(node.opType!, inputs);
    for (const name of node.output!) types.set(name, output);
    found.add(`${node.opType}(${inputs.join(", ")}) -> ${output}`);
  }
  return found;
}

function outputType(op: string, inputs: readonly string[]): string {
  if (op === "Equal" || op === "Greater") return "bool";
  return inputs[op === "Where" ? 1 : 0]!;
}
