import { sizeOf, type Value } from "../compute/graph.ts";
import { mul, reduceSum, reshape } from "../compute/ops.ts";

/** The sum of the squares of all elements, a scalar: rows first, so that no sum is long, and none by one thread alone. */
export function sumOfSquares(x: Value): Value {
  const width = x.shape.at(-1) ?? 1;
  const rows = reshape(x, [sizeOf(x.shape) / width, width]);
  return reduceSum(reduceSum(mul(rows, rows), [1]), [0]);
}
