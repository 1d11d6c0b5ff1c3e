import { expandComposites } from "../../expand-composites.ts";
import {
  constant,
  type Graph,
  graphOf,
  input,
  makeValue,
  nameOf,
  type Value,
} from "../../graph.ts";
import { cast } from "../../ops/elementwise.ts";
import { pushDownSlices } from "../../push-down-slices.ts";
import { rewrite } from "../../rewrite.ts";
import { steadyScatter } from "../steady-scatter.ts";
import { summedInParts } from "./summed-in-parts.ts";

/** Operations that the provider has for whole numbers, but not for bytes. */
const NOT_FOR_BYTES = ["Transpose", "Concat", "Split", "Equal", "Where"];

/**
 * The graph in operations and types that ONNX Runtime's WebGPU provider has all of, so that none runs on the
 * processor: int64 becomes int32, also in inputs and outputs.
 */
export function webgpuGraph(graph: Graph): Graph {
  const names = [...graph.outputs.keys()];
  const roots = expandComposites(pushDownSlices([...graph.outputs.values()]));
  const values = rewrite(roots, (node) => provided(narrowed(node)));
  const outputs = values.map((value) => (value.op === "Input" ? copied(value) : value));
  return graphOf(Object.fromEntries(names.map((name, i) => [name, outputs[i]!])));
}

function narrowed(node: Value): Value {
  const { op, inputs, attributes, shape, dtype } = node;
  if (dtype !== "int64") return node;
  if (op === "Input") return input(nameOf(node), shape, "int32");
  if (op === "Constant")
    return constant(Int32Array.from(attributes.data as BigInt64Array, Number), shape);
  return op === "Cast"
    ? cast(inputs[0]!, "int32")
    : makeValue(op, inputs, attributes, shape, "int32");
}

function provided(node: Value): Value {
  if (node.op === "ScatterRows") return steadyScatter(node);
  if (node.op === "Slice" && node.dtype !== "float32") return sliceByGather(node);
  return NOT_FOR_BYTES.includes(node.op) ? throughInt32(node) : summedInParts(node);
}

/** The same operation on int32, where the node's own type is a byte. */
function throughInt32(node: Value): Value {
  const { op, inputs, attributes, shape, dtype } = node;
  const isByte = (value: Value) => value.dtype === "bool" || value.dtype === "uint8";
  const operands = op === "Where" ? inputs.slice(1) : inputs;
  if (!operands.some(isByte)) return node;
  const wide = inputs.map((value) =>
    operands.includes(value) && isByte(value) ? cast(value, "int32") : value,
  );
  if (dtype === "bool" && op === "Equal") return makeValue(op, wide, attributes, shape, dtype);
  return cast(makeValue(op, wide, attributes, shape, "int32"), dtype);
}

function sliceByGather({ inputs: [x], attributes }: Value): Value {
  const { axes, starts, ends } = attributes as Record<string, readonly number[]>;
  return axes!.reduce((value, axis, i) => {
    const [start, end] = [starts![i]!, ends![i]!];
    const places = constant(Int32Array.from({ length: end - start }, (_, at) => start + at));
    const shape = value.shape.with(axis, end - start);
    return makeValue("Gather", [value, places], { axis }, shape, value.dtype);
  }, x!);
}

/** An input as an output; a byte has no copy of its own in the provider. */
function copied(value: Value): Value {
  return value.dtype === "float32" || value.dtype === "int32"
    ? value
    : cast(cast(value, "float32"), value.dtype);
}
