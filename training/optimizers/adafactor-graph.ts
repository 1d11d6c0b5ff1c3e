import { sizeOf, type Value } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";
import { sumOfSquares } from "../sum-of-squares.ts";
import { adafactor, CLIP_THRESHOLD, DECAY_RATE, LEAST_SQUARE } from "./adafactor.ts";
import { blend } from "./blend.ts";
import type { GraphRule, NamedValues } from "./graph-rule.ts";

/** Adafactor inside a graph, as adafactor.ts has it on the host. */
export const adafactorGraph: GraphRule = {
  slots: adafactor.slots,
  numbers(step) {
    const share = step ** DECAY_RATE;
    return { square_keep: 1 - share, square_share: share };
  },
  decaysGradient: false,
  isElementwise: false,
  rate: (learningRate) => learningRate,
  change(gradient, slots, numbers) {
    const squares = ops.add(ops.mul(gradient, gradient), LEAST_SQUARE);
    const { update, ...made } =
      gradient.shape.length === 2
        ? factored(gradient, squares, slots, numbers)
        : unfactored(gradient, squares, slots, numbers);
    const mean = ops.mul(sumOfSquares([update]), 1 / sizeOf(update.shape));
    const excess = ops.div(ops.sqrt(mean), CLIP_THRESHOLD);
    const change = ops.div(update, ops.where(ops.greater(excess, 1), excess, 1));
    return { change, slots: made.slots };
  },
};

type Scaled = { readonly update: Value; readonly slots: NamedValues };

function unfactored(
  gradient: Value,
  squares: Value,
  { exp_avg_sq: before }: NamedValues,
  { square_keep: keep, square_share: share }: NamedValues,
): Scaled {
  const mean = blend(before!, keep!, squares, share!);
  return { update: ops.div(gradient, ops.sqrt(mean)), slots: { exp_avg_sq: mean } };
}

/** Roots before quotients and products: squares of rows without a gradient are near the least number there is. */
function factored(
  gradient: Value,
  squares: Value,
  { exp_avg_sq_row, exp_avg_sq_col }: NamedValues,
  { square_keep: keep, square_share: share }: NamedValues,
): Scaled {
  const rows = blend(exp_avg_sq_row!, keep!, ops.reduceMean(squares, [1]), share!);
  const columns = blend(exp_avg_sq_col!, keep!, ops.reduceMean(squares, [0]), share!);
  const byRow = ops.div(ops.sqrt(ops.reduceMean(rows, [0])), ops.sqrt(rows));
  const byColumn = ops.reciprocal(ops.sqrt(columns));
  const inRows = ops.mul(gradient, ops.reshape(byRow, [...byRow.shape, 1]));
  return {
    update: ops.mul(inRows, byColumn),
    slots: { exp_avg_sq_row: rows, exp_avg_sq_col: columns },
  };
}
