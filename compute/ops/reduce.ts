import { makeValue, ShapeError, show, type Value } from "../graph.ts";
import { axisOf, requireFloat } from "./broadcast.ts";

/** The sum over these axes; kept as size 1 where `keepDims`. */
export const reduceSum = (x: Value, axes: readonly number[], keepDims = false): Value =>
  reduce("ReduceSum", x, axes, keepDims);
/** The mean over these axes; kept as size 1 where `keepDims`. */
export const reduceMean = (x: Value, axes: readonly number[], keepDims = false): Value =>
  reduce("ReduceMean", x, axes, keepDims);
/** The maximum over these axes; equal maxima share the gradient, as in torch.amax. */
export const reduceMax = (x: Value, axes: readonly number[], keepDims = false): Value =>
  reduce("ReduceMax", x, axes, keepDims);

function reduce(op: string, x: Value, axes: readonly number[], keepDims: boolean): Value {
  requireFloat(op, x);
  const positive = axes.map((axis) => axisOf(op, axis, x.shape)).sort((a, b) => a - b);
  if (new Set(positive).size < positive.length)
    throw new ShapeError(`${op}: axes ${show(axes)} name one axis twice.`);
  if (positive.length === 0) return x;
  const reduced = x.shape.map((size, axis) => (positive.includes(axis) ? 1 : size));
  const shape = keepDims ? reduced : reduced.filter((_, axis) => !positive.includes(axis));
  return makeValue(op, [x], { axes: positive, ...(keepDims && { keepDims }) }, shape, x.dtype);
}
