import type { Value } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";
import type { TrainingArguments } from "../training-arguments.ts";
import { blend } from "./blend.ts";
import type { GraphRule } from "./graph-rule.ts";
import { lion } from "./lion.ts";

/** Lion inside a graph, as lion.ts has it on the host. */
export function lionGraph(given: Pick<TrainingArguments, "adam_beta1" | "adam_beta2">): GraphRule {
  const { adam_beta1: beta1, adam_beta2: beta2 } = given;
  return {
    slots: lion(given).slots,
    numbers: () => ({}),
    decaysGradient: false,
    isElementwise: true,
    rate: (learningRate) => learningRate,
    change: (gradient, { exp_avg: before }) => ({
      change: signOf(blend(before!, beta1, gradient, 1 - beta1)),
      slots: { exp_avg: blend(before!, beta2, gradient, 1 - beta2) },
    }),
  };
}

/** Not ONNX' Sign, which the WebGPU provider lacks. */
function signOf(x: Value): Value {
  return ops.where(ops.greater(x, 0), 1, ops.where(ops.greater(0, x), -1, 0));
}
