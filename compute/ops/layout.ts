import { makeValue, resultOf, type Shape, ShapeError, show, sizeOf, type Value } from "../graph.ts";
import { axisOf, broadcastShapes } from "./broadcast.ts";

/** x with its axes reordered: axis i of the result is axis `perm[i]` of x. */
export function transpose(x: Value, perm: readonly number[]): Value {
  const sorted = [...perm].sort((a, b) => a - b);
  if (perm.length !== x.shape.length || sorted.some((axis, i) => axis !== i))
    throw new ShapeError(`transpose: ${show(perm)} does not order the axes of ${show(x.shape)}.`);
  if (perm.every((axis, i) => axis === i)) return x;
  const shape = perm.map((axis) => x.shape[axis]!);
  return makeValue("Transpose", [x], { perm }, shape, x.dtype);
}

/** x in another shape of as many elements; one size may be -1: what is left over. */
export function reshape(x: Value, shape: Shape): Value {
  const known = sizeOf(shape.filter((size) => size !== -1));
  const sizes = shape.map((size) => (size === -1 ? sizeOf(x.shape) / known : size));
  const unknown = shape.filter((size) => size === -1).length;
  if (unknown > 1 || sizeOf(sizes) !== sizeOf(x.shape) || !sizes.every(Number.isInteger))
    throw new ShapeError(`reshape: ${show(x.shape)} does not fit ${show(shape)}.`);
  if (sizes.length === x.shape.length && sizes.every((size, i) => size === x.shape[i])) return x;
  return makeValue("Reshape", [x], { shape: sizes }, sizes, x.dtype);
}

/** The part of x from `starts` (included) to `ends` (excluded) on the given axes. */
export function slice(
  x: Value,
  {
    axes,
    starts,
    ends,
  }: { axes: readonly number[]; starts: readonly number[]; ends: readonly number[] },
): Value {
  const positive = axes.map((axis) => axisOf("slice", axis, x.shape));
  const shape = [...x.shape];
  for (const [i, axis] of positive.entries()) {
    const [start, end, size] = [starts[i] ?? -1, ends[i] ?? -1, x.shape[axis]!];
    if (start < 0 || end < start || end > size)
      throw new ShapeError(
        `slice: ${start} to ${end} is not within axis ${axis} of ${show(x.shape)}.`,
      );
    shape[axis] = end - start;
  }
  return makeValue("Slice", [x], { axes: positive, starts, ends }, shape, x.dtype);
}

/** The values one after the other along an axis; their other sizes are equal. */
export function concat(values: readonly Value[], axis: number): Value {
  const [first, ...rest] = values;
  if (first === undefined) throw new ShapeError("concat: needs at least one value.");
  const along = axisOf("concat", axis, first.shape);
  for (const value of rest) {
    const fits = value.shape.every((size, i) => i === along || size === first.shape[i]);
    if (value.shape.length !== first.shape.length || value.dtype !== first.dtype || !fits)
      throw new ShapeError(
        `concat: ${show(value.shape)} does not join ${show(first.shape)} on axis ${axis}.`,
      );
  }
  if (rest.length === 0) return first;
  const shape = [...first.shape];
  shape[along] = values.reduce((sum, value) => sum + value.shape[along]!, 0);
  return makeValue("Concat", values, { axis: along }, shape, first.dtype);
}

/** x cut along an axis into parts of these sizes. */
export function split(x: Value, sizes: readonly number[], axis: number): Value[] {
  const along = axisOf("split", axis, x.shape);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== x.shape[along])
    throw new ShapeError(
      `split: sizes ${show(sizes)} add up to ${total}, axis ${axis} of ${show(x.shape)} does not.`,
    );
  if (sizes.length === 1) return [x];
  const shapes = sizes.map((size) => x.shape.map((s, i) => (i === along ? size : s)));
  const node = makeValue("Split", [x], { axis: along, sizes }, shapes[0]!, x.dtype);
  return shapes.map((shape, i) => (i === 0 ? node : resultOf(node, i, shape)));
}

/** x repeated to a shape that it broadcasts to. */
export function expand(x: Value, shape: Shape): Value {
  const result = broadcastShapes("expand", x.shape, shape);
  if (result.length !== shape.length || result.some((size, i) => size !== shape[i]))
    throw new ShapeError(`expand: ${show(x.shape)} does not broadcast to ${show(shape)}.`);
  if (shape.length === x.shape.length && shape.every((size, i) => size === x.shape[i])) return x;
  return makeValue("Expand", [x], { shape }, shape, x.dtype);
}

/** x with `before` and `after` zeros added on each axis. */
export function pad(x: Value, before: readonly number[], after: readonly number[]): Value {
  const rank = x.shape.length;
  if (before.length !== rank || after.length !== rank || [...before, ...after].some((n) => n < 0))
    throw new ShapeError(
      `pad: ${show(before)} and ${show(after)} do not pad the axes of ${show(x.shape)}.`,
    );
  const shape = x.shape.map((size, i) => before[i]! + size + after[i]!);
  return makeValue("Pad", [x], { before, after }, shape, x.dtype);
}
