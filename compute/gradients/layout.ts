import { constant, type Value } from "../graph.ts";
import { cast, div, equal, mul, where } from "../ops/elementwise.ts";
import { gather, scatterRows } from "../ops/indexing.ts";
import { concat, expand, pad, reshape, slice, split, transpose } from "../ops/layout.ts";
import { reduceSum } from "../ops/reduce.ts";
import { type GradientRules, unbroadcast } from "./rule.ts";

/** Gradients of the operations that move, repeat, select and add up elements. */
export const layoutGradients: GradientRules = {
  Transpose: ({ attributes }, g) => {
    const perm = attributes.perm as readonly number[];
    return [
      transpose(
        g,
        perm.map((_, axis) => perm.indexOf(axis)),
      ),
    ];
  },
  Reshape: ({ inputs: [x] }, g) => [reshape(g, x!.shape)],
  Slice: ({ inputs: [x], attributes }, g) => {
    const { axes, starts, ends } = attributes as Record<string, readonly number[]>;
    const at = (axis: number) => axes!.indexOf(axis);
    const before = x!.shape.map((_, axis) => starts![at(axis)] ?? 0);
    const after = x!.shape.map((size, axis) => size - (ends![at(axis)] ?? size));
    return [pad(g, before, after)];
  },
  Concat: ({ inputs, attributes }, g) => {
    const axis = attributes.axis as number;
    return split(
      g,
      inputs.map((value) => value.shape[axis]!),
      axis,
    );
  },
  Split: ({ inputs: [x], attributes }, _, all) => {
    const { axis, sizes } = attributes as { axis: number; sizes: readonly number[] };
    const zeros = (size: number) =>
      constant(
        0,
        x!.shape.map((s, i) => (i === axis ? size : s)),
      );
    return [
      concat(
        sizes.map((size, i) => all[i] ?? zeros(size)),
        axis,
      ),
    ];
  },
  Expand: ({ inputs: [x] }, g) => [unbroadcast(g, x!.shape)],
  Pad: ({ inputs: [x], attributes }, g) => {
    const starts = attributes.before as readonly number[];
    const ends = starts.map((start, axis) => start + x!.shape[axis]!);
    return [slice(g, { axes: starts.map((_, axis) => axis), starts, ends })];
  },
  Gather: ({ inputs: [table, ids] }, g) => [scatterRows(g, ids!, table!.shape[0]!), undefined],
  ScatterRows: ({ inputs: [, ids] }, g) => [gather(g, ids!), undefined],
  Pick: ({ inputs: [x, ids] }, g) => {
    const chosen = oneHot(ids!, x!.shape[1]!);
    return [where(chosen, reshape(g, [x!.shape[0]!, 1]), 0), undefined];
  },
  ReduceSum: (y, g) => [expand(keepReduced(y, g), y.inputs[0]!.shape)],
  ReduceMean: (y, g) => {
    const [x] = y.inputs;
    const axes = y.attributes.axes as readonly number[];
    const count = axes.reduce((product, axis) => product * x!.shape[axis]!, 1);
    return [expand(keepReduced(y, mul(g, 1 / count)), x!.shape)];
  },
  ReduceMax: (y, g) => {
    const [x] = y.inputs;
    const largest = cast(equal(x!, keepReduced(y, y)), "float32");
    const ties = reduceSum(largest, y.attributes.axes as readonly number[], true);
    return [mul(largest, div(keepReduced(y, g), ties))];
  },
};

/** Which column each row's index names: ids [N] -> bool [N, count]. */
export function oneHot(ids: Value, count: number): Value {
  const columns = constant(
    Array.from({ length: count }, (_, i) => i),
    [count],
    ids.dtype,
  );
  return equal(reshape(ids, [ids.shape[0]!, 1]), columns);
}

function keepReduced(reduced: Value, g: Value): Value {
  const axes = reduced.attributes.axes as readonly number[];
  return reshape(
    g,
    reduced.inputs[0]!.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
  );
}
