import type { FromSchema } from "json-schema-to-ts";
import type { ParamsSchema } from "../../engine/stage.ts";
import { configSchema } from "./config-schema.ts";
import { refusedProperties } from "./refused-arguments.ts";
import { schedulerKwargsSchema } from "./scheduler-kwargs-schema.ts";

const share = { type: "number", minimum: 0, exclusiveMaximum: 1 } as const;
const batchSize = { type: "integer", minimum: 1, maximum: 65536 } as const;

/** `with` of the fine-tune stage; names, meanings and defaults are those of transformers' TrainingArguments. */
export const params = {
  type: "object",
  properties: {
    model: {
      description:
        "What training starts from: a folder with config.json and model.safetensors, or { config: … } as in config.json for random weights (vocab_size and pad_token_id follow the tokenizer). Only where the port `model` is not used.",
      examples: [
        "models/bert-base-uncased",
        { config: { model_type: "bert", hidden_size: 128, num_hidden_layers: 2 } },
      ],
      anyOf: [
        { type: "string", minLength: 1 },
        {
          type: "object",
          properties: {
            config: configSchema,
          },
          required: ["config"],
          additionalProperties: false,
        },
      ],
    },
    task: {
      description:
        "What the model learns: sequence-classification gives each text one label, token-classification each word a tag, masked-lm to find hidden words, causal-lm to go on with a text.",
      type: "string",
      default: "sequence-classification",
      examples: ["sequence-classification", "token-classification", "causal-lm"],
    },
    mlm_probability: {
      description:
        "The share of words to be found, of masked-lm: eight in ten of them hidden, one in ten another word.",
      type: "number",
      exclusiveMinimum: 0,
      maximum: 1,
      default: 0.15,
      examples: [0.3],
    },
    learning_rate: {
      description: "The highest learning rate, reached after the warm-up.",
      type: "number",
      exclusiveMinimum: 0,
      maximum: 100,
      default: 5e-5,
      examples: [3e-5],
    },
    num_train_epochs: {
      description: "How often each row is trained on; max_steps overrides it.",
      type: "number",
      exclusiveMinimum: 0,
      default: 3,
      examples: [5],
    },
    max_steps: {
      description: "Steps after which training ends, whatever the epochs; -1: the epochs decide.",
      type: "integer",
      minimum: -1,
      not: { const: 0 },
      default: -1,
      examples: [1000],
    },
    per_device_train_batch_size: {
      ...batchSize,
      description: "Rows in a batch of training.",
      default: 8,
      examples: [16],
    },
    per_device_eval_batch_size: {
      ...batchSize,
      description: "Rows in a batch of evaluation; it changes speed, not results.",
      default: 8,
      examples: [32],
    },
    gradient_accumulation_steps: {
      type: "integer",
      minimum: 1,
      description: "Batches whose gradients are added up for one step.",
      default: 1,
      examples: [4],
    },
    optim: {
      description:
        "The optimizer, by transformers' names: AdamW, SGD, Adafactor, or Lion (with AdamW's betas; it wants a learning rate about a tenth of AdamW's).",
      type: "string",
      enum: ["adamw_torch", "sgd", "adafactor", "lion_32bit"],
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
        "How the learning rate goes. After the warm-up linear and cosine fall to 0 at the last step; a longer training goes on from a cached one only where it does not look ahead: constant, constant_with_warmup, inverse_sqrt, and warmup_stable_decay before its decay.",
      type: "string",
      enum: [
        "linear",
        "cosine",
        "cosine_with_restarts",
        "polynomial",
        "constant",
        "constant_with_warmup",
        "inverse_sqrt",
        "cosine_with_min_lr",
        "cosine_warmup_with_min_lr",
        "warmup_stable_decay",
      ],
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
    shuffle: {
      description: "Whether rows come in a new order, drawn from the seed, in each epoch.",
      type: "boolean",
      default: true,
      examples: [false],
    },
    group_by_length: {
      description: "Whether rows of about equal length share a batch: less padding, faster.",
      type: "boolean",
      default: false,
      examples: [true],
    },
    eval_strategy: {
      description:
        "When the split `validation` is evaluated: after each epoch, each eval_steps steps, or no; without it, epoch where there is such a split.",
      type: "string",
      enum: ["no", "epoch", "steps"],
      examples: ["epoch"],
    },
    eval_steps: {
      description: "Steps between two evaluations, where eval_strategy is steps.",
      type: "integer",
      minimum: 1,
      default: 500,
      examples: [100],
    },
    save_strategy: {
      description:
        "When a checkpoint is kept in the cache, from which a stopped or a longer training goes on: after each epoch, each save_steps steps, or no; without it, now and then, at little cost, and at the end. It never changes the result.",
      type: "string",
      enum: ["no", "epoch", "steps"],
      examples: ["steps"],
    },
    save_steps: {
      description: "Steps between two checkpoints, where save_strategy is steps.",
      type: "integer",
      minimum: 1,
      default: 500,
      examples: [100],
    },
    save_total_limit: {
      description: "How many checkpoints of a training are kept, the newest; without it all.",
      type: "integer",
      minimum: 1,
      examples: [3],
    },
    early_stopping_patience: {
      description:
        "Evaluations in a row that are no better than the best, after which training ends; without it, it does not. As transformers' EarlyStoppingCallback.",
      type: "integer",
      minimum: 1,
      examples: [3],
    },
    early_stopping_threshold: {
      description: "By how much an evaluation must be better than the best to count as better.",
      type: "number",
      minimum: 0,
      default: 0,
      examples: [0.001],
    },
    load_best_model_at_end: {
      description: "Whether the result is the best evaluated model instead of the last.",
      type: "boolean",
      default: false,
      examples: [true],
    },
    metric_for_best_model: {
      description: "The metric of the validation split by which models are compared.",
      type: "string",
      enum: [
        "loss",
        "accuracy",
        "macro_f1",
        "weighted_f1",
        "eval_loss",
        "eval_accuracy",
        "eval_macro_f1",
        "eval_weighted_f1",
      ],
      default: "loss",
      examples: ["macro_f1"],
    },
    greater_is_better: {
      description: "Whether a higher metric is better; without it, yes for all but the loss.",
      type: "boolean",
      examples: [true],
    },
    logging_steps: {
      description:
        "Steps between two lines of the stage's log; trainer_state.json has entries of its own, about a hundred.",
      type: "integer",
      minimum: 1,
      default: 50,
      examples: [10],
    },
    ...refusedProperties,
  },
  additionalProperties: false,
} as const satisfies ParamsSchema;

/** `with` of the fine-tune stage, defaults filled in. */
export type FineTuneParams = FromSchema<typeof params>;
