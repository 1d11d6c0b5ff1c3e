import type { FromSchema } from "json-schema-to-ts";
import type { ParamsSchema } from "../../engine/stage.ts";
import { problemTypes } from "../../models/model.ts";
import { precisions } from "../../training/training-arguments.ts";
import { metricNames } from "./best-metric.ts";
import { configSchema } from "./config-schema.ts";
import { optimizerParams } from "./optimizer-params.ts";
import { refusedProperties } from "./refused-arguments.ts";

const batchSize = { type: "integer", minimum: 1, maximum: 65536 } as const;

const steps = { type: "number", exclusiveMinimum: 0, maximum: 1_000_000_000 } as const;

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
        "What the model learns: sequence-classification gives each text a label, labels or numbers (problem_type), token-classification each word a tag, question-answering to find an answer in a context, masked-lm to find hidden words, causal-lm to go on with a text, sequence-to-sequence to turn a text into another.",
      type: "string",
      default: "sequence-classification",
      examples: ["sequence-classification", "token-classification", "causal-lm"],
    },
    train: {
      description:
        "What is trained: all, or the head alone. The encoder then stays as it is and drops nothing out; with the port `features` it is not even computed.",
      type: "string",
      enum: ["all", "head"],
      default: "all",
      examples: ["head"],
    },
    problem_type: {
      description:
        "What sequence-classification gives a text: one label, any number of labels, or numbers. Without it what the rows have: `label`, `labels` or `numbers` of the load stage.",
      type: "string",
      enum: problemTypes,
      examples: ["multi_label_classification"],
    },
    mlm_probability: {
      description:
        "The share of words to be found, of masked-lm: eight in ten of them hidden, one in ten another word. Not used where tokens come with labels of their own.",
      type: "number",
      exclusiveMinimum: 0,
      maximum: 1,
      default: 0.15,
      examples: [0.3],
    },
    completion_only_loss: {
      description:
        "Whether only completions are learned, of prompts with completions; false: the prompts, too. Of causal-lm.",
      type: "boolean",
      default: true,
      examples: [false],
    },
    assistant_only_loss: {
      description:
        "Whether only what the assistant says is learned, of conversations; false: all of them. Of causal-lm.",
      type: "boolean",
      default: false,
      examples: [true],
    },
    packing: {
      description:
        "Whether short texts share a row of up to the tokenize stage's max_length, none of which sees another; of causal-lm. Less padding, faster; a batch then has per_device_train_batch_size rows of several texts.",
      type: "boolean",
      default: false,
      examples: [true],
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
    gradient_checkpointing: {
      description:
        "Whether layers are computed again for the backward pass instead of being kept: less memory, about a fifth more time, the same bits. The stage's log foretells the memory of a step both ways.",
      type: "boolean",
      default: false,
      examples: [true],
    },
    mixed_precision: {
      description:
        "What matrix products of training are computed in: fp16 (on cuda, and on webgpu where the adapter has shader-f16) or bf16 (on cuda); refused where the device lacks it. Weights, norms, softmax and loss stay in float32. In fp16 the loss is scaled, by what overflows allow; bf16 has the range of float32.",
      type: "string",
      enum: precisions,
      default: "no",
      examples: ["fp16", "bf16"],
    },
    ...optimizerParams,
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
    dataloader_drop_last: {
      description: "Whether the last batch of an epoch is left out where it is smaller.",
      type: "boolean",
      default: false,
      examples: [true],
    },
    balanced_sampling: {
      description:
        "Whether an epoch's rows are drawn, with replacement, so that each label comes up equally often.",
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
      description:
        "Steps between two evaluations, where eval_strategy is steps; a number below 1 is a share of all.",
      ...steps,
      default: 500,
      examples: [100],
    },
    eval_on_start: {
      description: "Whether the model to start from is evaluated before the first step, too.",
      type: "boolean",
      default: false,
      examples: [true],
    },
    eval_delay: {
      description:
        "Epochs (or steps, where eval_strategy is steps) before which nothing is evaluated.",
      type: "number",
      minimum: 0,
      default: 0,
      examples: [1],
    },
    save_strategy: {
      description:
        "When a checkpoint is kept in the cache, from which a stopped or a longer training goes on: after each epoch, each save_steps steps, or no; without it, now and then, at little cost, and at the end. It never changes the result.",
      type: "string",
      enum: ["no", "epoch", "steps"],
      examples: ["steps"],
    },
    save_steps: {
      description:
        "Steps between two checkpoints, where save_strategy is steps; a number below 1 is a share of all.",
      ...steps,
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
      enum: metricNames,
      default: "loss",
      examples: ["macro_f1"],
    },
    greater_is_better: {
      description:
        "Whether a higher metric is better; without it, yes for all but losses, errors and perplexity.",
      type: "boolean",
      examples: [true],
    },
    logging_steps: {
      description:
        "Steps between two lines of the stage's log, a number below 1 a share of all; trainer_state.json has entries of its own, about a hundred, and `metrics --steps` has every step.",
      ...steps,
      default: 50,
      examples: [10],
    },
    logging_strategy: {
      description:
        "When the stage's log has a line: each logging_steps steps, after each epoch, or no.",
      type: "string",
      enum: ["steps", "epoch", "no"],
      default: "steps",
      examples: ["epoch"],
    },
    logging_first_step: {
      description: "Whether the first step has a line in the stage's log, too.",
      type: "boolean",
      default: false,
      examples: [true],
    },
    ...refusedProperties,
  },
  additionalProperties: false,
} as const satisfies ParamsSchema;

/** `with` of the fine-tune stage, defaults filled in. */
export type FineTuneParams = FromSchema<typeof params>;
