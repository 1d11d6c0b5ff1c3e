import { makeValue, type Value } from "../../graph.ts";
import { add, cast } from "../../ops/elementwise.ts";
import { slice } from "../../ops/layout.ts";

/** Products that are added up in float16: more, and a small one leaves their sum as it was. */
const SUMMED_AT_ONCE = 512;

/**
 * A product in float16 whose inner axis is long, as a sum in float32 of products over parts of the axis: for providers
 * that add in the type of the product. Other operations as they are.
 */
export function summedInParts(node: Value): Value {
  if (node.dtype !== "float16" || (node.op !== "MatMul" && node.op !== "Gemm")) return node;
  const { transA = false, transB = false } = node.attributes;
  const [a, b] = node.inputs as [Value, Value];
  const axisOfA = transA ? 0 : a.shape.length - 1;
  const axisOfB = transB ? 1 : b.shape.length - 2;
  const length = a.shape[axisOfA]!;
  const count = Math.ceil(length / SUMMED_AT_ONCE);
  if (count < 2) return node;
  const bounds = Array.from({ length: count + 1 }, (_, i) => Math.round((i * length) / count));
  const part = (x: Value, axis: number, i: number) =>
    slice(x, { axes: [axis], starts: [bounds[i]!], ends: [bounds[i + 1]!] });
  const sums = Array.from({ length: count }, (_, i) => {
    const inputs = [part(a, axisOfA, i), part(b, axisOfB, i)];
    return cast(makeValue(node.op, inputs, node.attributes, node.shape, "float16"), "float32");
  });
  return cast(sums.reduce(add), "float16");
}
