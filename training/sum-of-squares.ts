import { sizeOf, type Value } from "../compute/graph.ts";
import { concat, mul, pad, reduceSum, reshape } from "../compute/ops.ts";

/** The sum of the squares of all elements of these values, a scalar: in stages, so that no sum is long. */
export function sumOfSquares(values: readonly Value[]): Value {
  const sums = concat(values.map(squares), 0);
  const width = Math.ceil(Math.sqrt(sizeOf(sums.shape)));
  const missing = (width - (sizeOf(sums.shape) % width)) % width;
  const whole = missing === 0 ? sums : pad(sums, [0], [missing]);
  return reduceSum(reduceSum(reshape(whole, [-1, width]), [1]), [0]);
}

/** Those of a vector's elements, else the sum of each row's: a vector. */
function squares(x: Value): Value {
  if (x.shape.length < 2) return mul(reshape(x, [-1]), reshape(x, [-1]));
  const rows = reshape(x, [-1, x.shape.at(-1)!]);
  return reduceSum(mul(rows, rows), [1]);
}
