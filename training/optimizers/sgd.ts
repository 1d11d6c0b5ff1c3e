import type { UpdateRule } from "./rule-optimizer.ts";

/** Stochastic gradient descent as torch.optim.SGD has it: weight decay is part of the gradient. */
export function sgd({ momentum = 0, nesterov = false }: { momentum?: number; nesterov?: boolean }) {
  const rule: UpdateRule = {
    slots: (shape) => (momentum === 0 ? {} : { momentum_buffer: shape }),
    update({ data }, gradient, { momentum_buffer: buffer }, { learningRate, weightDecay }) {
      for (let i = 0; i < data.length; i++) {
        let change = gradient[i]! + weightDecay * data[i]!;
        if (buffer !== undefined) {
          buffer[i] = momentum * buffer[i]! + change;
          change = nesterov ? change + momentum * buffer[i]! : buffer[i]!;
        }
        data[i]! -= learningRate * change;
      }
    },
  };
  return rule;
}
