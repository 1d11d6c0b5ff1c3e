import * as ops from "../../compute/ops.ts";
import type { TrainingArguments } from "../training-arguments.ts";
import { blend } from "./blend.ts";
import type { GraphRule } from "./graph-rule.ts";

/** AdamW inside a graph, as adam-update.ts has it on the host. */
export function adamwGraph({
  adam_beta1: beta1,
  adam_beta2: beta2,
  adam_epsilon: epsilon,
}: Pick<TrainingArguments, "adam_beta1" | "adam_beta2" | "adam_epsilon">): GraphRule {
  return {
    slots: (shape) => ({ exp_avg: shape, exp_avg_sq: shape }),
    numbers: (step) => ({
      first_scale: 1 / (1 - beta1 ** step),
      second_scale: 1 / Math.sqrt(1 - beta2 ** step),
    }),
    decaysGradient: false,
    isElementwise: true,
    rate: (learningRate, { first_scale }) => ops.mul(learningRate, first_scale!),
    change(gradient, { exp_avg, exp_avg_sq }, { second_scale }) {
      const first = blend(exp_avg!, beta1, gradient, 1 - beta1);
      const second = blend(exp_avg_sq!, beta2, ops.mul(gradient, gradient), 1 - beta2);
      const size = ops.add(ops.mul(ops.sqrt(second), second_scale!), epsilon);
      return { change: ops.div(first, size), slots: { exp_avg: first, exp_avg_sq: second } };
    },
  };
}
