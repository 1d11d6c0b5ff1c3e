import { sizeOf, type Value } from "../compute/graph.ts";
import { concat, mul, pad, reduceSum, reshape } from "../compute/ops.ts";

/**
 * The sum of the squares of all elements of these values, a scalar: in stages, so that no sum is long. Values with as
 * many rows go together: with parts of several sizes, CUDA is sent in every run which part each element belongs to.
 */
export function sumOfSquares(values: readonly Value[]): Value {
  const bySize = new Map<number, Value[]>();
  for (const sums of values.map(squares)) {
    const size = sizeOf(sums.shape);
    bySize.set(size, [...(bySize.get(size) ?? []), sums]);
  }
  const sums = Array.from(bySize.values(), (equal) => sumInStages(concat(equal, 0)));
  return reduceSum(concat(sums, 0), [0]);
}

/** Of a vector, as a vector of one element. */
function sumInStages(vector: Value): Value {
  const width = Math.ceil(Math.sqrt(sizeOf(vector.shape)));
  const missing = (width - (sizeOf(vector.shape) % width)) % width;
  const whole = missing === 0 ? vector : pad(vector, [0], [missing]);
  return reduceSum(reduceSum(reshape(whole, [-1, width]), [1]), [0], true);
}

/** Those of a vector's elements, else the sum of each row's: a vector. */
function squares(x: Value): Value {
  if (x.shape.length < 2) return mul(reshape(x, [-1]), reshape(x, [-1]));
  const rows = reshape(x, [-1, x.shape.at(-1)!]);
  return reduceSum(mul(rows, rows), [1]);
}
