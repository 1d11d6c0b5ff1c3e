import { schedulerTypes } from "../../training/scheduler-kwargs.ts";
import { optimizers } from "../../training/training-arguments.ts";
import { schedulerKwargsSchema } from "./scheduler-kwargs-schema.ts";

const share = { type: "number", minimum: 0, exclusiveMaximum: 1 } as const;

/** The part of fine-tune's params that says what a step does to the weights: optimizer, loss and schedule. */
export const optimizerParams = {
  optim: {
    description:
      "The optimizer, by transformers' names: AdamW, SGD, Adafactor, or Lion (with AdamW's betas; it wants a learning rate about a tenth of AdamW's).",
    type: "string",
    enum: optimizers,
    default: "adamw_torch",
    examples: ["lion_32bit"],
  },
  optim_args: {
    description: "What sgd takes beside the learning rate: momentum and nesterov.",
    type: "object",
    properties: {
      momentum: { ...share, description: "How much of the last step goes on; default 0." },
      nesterov: { description: "Nesterov's momentum; default no.", type: "boolean" },
    },
    additionalProperties: false,
    examples: [{ momentum: 0.9 }],
  },
  layerwise_lr_decay: {
    description:
      "The learning rate of a layer as a share of that of the layer above; the head has the whole one.",
    type: "number",
    exclusiveMinimum: 0,
    maximum: 1,
    default: 1,
    examples: [0.9],
  },
  ema_decay: {
    ...share,
    description:
      "Decay of an exponential moving average of the weights, which is evaluated and returned instead of them; without it none.",
    examples: [0.999],
  },
  weight_decay: {
    description: "Decoupled decay of all weights but biases and layer norms.",
    type: "number",
    minimum: 0,
    maximum: 10,
    default: 0,
    examples: [0.01],
  },
  adam_beta1: { ...share, description: "AdamW's beta1.", default: 0.9, examples: [0.9] },
  adam_beta2: { ...share, description: "AdamW's beta2.", default: 0.999, examples: [0.98] },
  adam_epsilon: {
    description: "AdamW's epsilon.",
    type: "number",
    exclusiveMinimum: 0,
    maximum: 1,
    default: 1e-8,
    examples: [1e-6],
  },
  max_grad_norm: {
    description: "Gradients of a larger global norm are scaled down to it; 0: never.",
    type: "number",
    minimum: 0,
    default: 1,
    examples: [1],
  },
  label_smoothing_factor: {
    ...share,
    description:
      "The share of each label's target that is spread over all labels, in training only.",
    default: 0,
    examples: [0.1],
  },
  class_weights: {
    description:
      "How much each label counts in the training loss, by its name; balanced: the fewer rows the more, rows / (labels * rows of the label). The weighted mean is PyTorch's.",
    examples: ["balanced", { spam: 3, other: 1 }],
    anyOf: [
      { type: "string", enum: ["balanced"] },
      {
        type: "object",
        additionalProperties: { type: "number", exclusiveMinimum: 0, maximum: 1_000_000 },
      },
    ],
  },
  lr_scheduler_type: {
    description:
      "How the learning rate goes. After the warm-up linear and cosine fall to 0 at the last step; a longer training goes on from a cached one only where it does not look ahead: constant, constant_with_warmup, inverse_sqrt, warmup_stable_decay before its decay, and those that follow the evaluations: reduce_lr_on_plateau and greedy.",
    type: "string",
    enum: schedulerTypes,
    default: "linear",
    examples: ["cosine"],
  },
  lr_scheduler_kwargs: schedulerKwargsSchema,
  warmup_steps: {
    description:
      "Steps in which the learning rate rises from 0; a number below 1 is a share of all steps.",
    type: "number",
    minimum: 0,
    default: 0,
    examples: [100],
  },
  warmup_ratio: {
    description: "The warm-up as a share of all steps, where warmup_steps is 0.",
    type: "number",
    minimum: 0,
    maximum: 1,
    default: 0,
    examples: [0.1],
  },
} as const;
