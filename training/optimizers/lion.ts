import type { UpdateRule } from "./rule-optimizer.ts";

/** Lion (https://arxiv.org/abs/2302.06675, algorithm 2): steps of equal size in the direction of a mean's sign. */
export function lion({ adam_beta1, adam_beta2 }: { adam_beta1: number; adam_beta2: number }) {
  const rule: UpdateRule = {
    slots: (shape) => ({ exp_avg: shape }),
    update({ data }, gradient, slots, { learningRate, weightDecay }) {
      const mean = slots.exp_avg!;
      const keep = 1 - learningRate * weightDecay;
      for (let i = 0; i < data.length; i++) {
        const [g, m] = [gradient[i]!, mean[i]!];
        data[i] = data[i]! * keep - learningRate * Math.sign(adam_beta1 * m + (1 - adam_beta1) * g);
        mean[i] = adam_beta2 * m + (1 - adam_beta2) * g;
      }
    },
  };
  return rule;
}
