import type { Shape, Value } from "../graph.ts";
import { reshape } from "../ops/layout.ts";
import { reduceSum } from "../ops/reduce.ts";

/**
 * The gradients of a node's inputs, given those of its results (`g` is that of result 0, `all` are those
 * of every result). undefined where an input has none. What a caller does not use costs nothing: a
 * graph holds only what its outputs need.
 */
export type GradientRule = (
  node: Value,
  g: Value,
  all: readonly (Value | undefined)[],
) => readonly (Value | undefined)[];

export type GradientRules = Readonly<Record<string, GradientRule>>;

/** The gradient of a value that was broadcast: summed over the axes along which it was repeated. */
export function unbroadcast(g: Value, shape: Shape): Value {
  const added = g.shape.length - shape.length;
  const repeated = g.shape.flatMap((size, axis) =>
    axis < added || (shape[axis - added] === 1 && size !== 1) ? [axis] : [],
  );
  return reshape(reduceSum(g, repeated, true), shape);
}
