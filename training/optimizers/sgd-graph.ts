import * as ops from "../../compute/ops.ts";
import type { OptimArgs } from "../training-arguments.ts";
import type { GraphRule } from "./graph-rule.ts";
import { sgd } from "./sgd.ts";

/** Stochastic gradient descent inside a graph, as sgd.ts has it on the host. */
export function sgdGraph(given: OptimArgs): GraphRule {
  const { momentum = 0, nesterov = false } = given;
  return {
    slots: sgd(given).slots,
    numbers: () => ({}),
    decaysGradient: true,
    isElementwise: true,
    rate: (learningRate) => learningRate,
    change(gradient, { momentum_buffer: before }) {
      if (before === undefined) return { change: gradient, slots: {} };
      const buffer = ops.add(ops.mul(before, momentum), gradient);
      const change = nesterov ? ops.add(gradient, ops.mul(buffer, momentum)) : buffer;
      return { change, slots: { momentum_buffer: buffer } };
    },
  };
}
