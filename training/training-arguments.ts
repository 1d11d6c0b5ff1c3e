import { isAdaptive } from "./adaptive-rate.ts";
import {
  kwargsProblem,
  type SchedulerKwargs,
  type SchedulerType,
  schedulerTypes,
} from "./scheduler-kwargs.ts";
import { TrainingError } from "./training-error.ts";

/** The optimizers, as transformers names them (`optim`). */
export const optimizers = ["adamw_torch", "sgd", "adafactor", "lion_32bit"] as const;

/** What matrix products of a training are computed in, as Accelerate names it (`mixed_precision`). */
export const precisions = ["no", "fp16", "bf16"] as const;

/** What an optimizer takes beside rate and decay: only sgd does. */
export interface OptimArgs {
  readonly momentum?: number;
  readonly nesterov?: boolean;
}

/**
 * How to train: names, meanings and (except where said) defaults of transformers' TrainingArguments.
 * https://huggingface.co/docs/transformers/main_classes/trainer#transformers.TrainingArguments
 */
export interface TrainingArguments {
  readonly learning_rate: number;
  readonly num_train_epochs: number;
  /** Optimizer steps in all; above 0 it overrides num_train_epochs. */
  readonly max_steps: number;
  readonly per_device_train_batch_size: number;
  readonly per_device_eval_batch_size: number;
  /** Batches whose gradients are added up for one step. */
  readonly gradient_accumulation_steps: number;
  /** Compute layers again in the backward pass instead of keeping them: less memory, the same bits. */
  readonly gradient_checkpointing: boolean;
  /** The type of matrix products; all else is float32 (Accelerate's name: TrainingArguments has fp16 and bf16). */
  readonly mixed_precision: (typeof precisions)[number];
  readonly lr_scheduler_type: SchedulerType;
  readonly lr_scheduler_kwargs?: SchedulerKwargs;
  /** Steps of rising learning rate; a fraction below 1 is a share of all steps. */
  readonly warmup_steps: number;
  /** The older name for such a share; warmup_steps wins where both are given. */
  readonly warmup_ratio: number;
  readonly optim: (typeof optimizers)[number];
  readonly optim_args?: OptimArgs;
  /** The rate of each layer is that of the one above it times this (not in TrainingArguments). */
  readonly layerwise_lr_decay: number;
  /** Of the moving average of the weights, which is evaluated and returned; absent: none (not in TrainingArguments). */
  readonly ema_decay?: number;
  readonly weight_decay: number;
  readonly adam_beta1: number;
  readonly adam_beta2: number;
  readonly adam_epsilon: number;
  /** Gradients are scaled down to this global norm; 0 leaves them as they are. */
  readonly max_grad_norm: number;
  /** The share of each label's target that is spread over all labels. */
  readonly label_smoothing_factor: number;
  /** How much each label counts, by its id; absent: all the same (not in TrainingArguments). */
  readonly class_weights?: readonly number[];
  /** Draw a new order of the rows for each epoch; false keeps theirs (not in TrainingArguments). */
  readonly shuffle: boolean;
  /** Put rows of similar length into one batch: less padding, less random an order. */
  readonly group_by_length: boolean;
  /** Leave the last batch of an epoch out where it is smaller. */
  readonly dataloader_drop_last: boolean;
  /** Draw rows so that each label comes up equally often in an epoch (not in TrainingArguments). */
  readonly balanced_sampling: boolean;
  readonly seed: number;
  readonly logging_steps: number;
  readonly eval_strategy: "no" | "epoch" | "steps";
  /** Steps between two evaluations where eval_strategy is "steps". */
  readonly eval_steps: number;
  /** Evaluate before the first step, too. */
  readonly eval_on_start: boolean;
  /** Epochs, or with eval_strategy "steps" steps, before which there is no evaluation. */
  readonly eval_delay: number;
  /** When a checkpoint is kept; absent: now and then, at little cost. Never changes results. */
  readonly save_strategy?: "no" | "epoch" | "steps";
  readonly save_steps: number;
  /** How many checkpoints of this training are kept; absent: all where save_strategy is given. */
  readonly save_total_limit?: number;
  /** Return the parameters of the best evaluation instead of the last. */
  readonly load_best_model_at_end: boolean;
  /** A metric of evaluation, with or without its prefix `eval_`. */
  readonly metric_for_best_model: string;
  /** Default: true unless the metric is a loss, an error (`mse`, `mae`) or the perplexity. */
  readonly greater_is_better?: boolean;
  /** Evaluations in a row without a better one after which training ends; absent: it does not. */
  readonly early_stopping_patience?: number;
  /** By how much an evaluation must be better to count as such. */
  readonly early_stopping_threshold: number;
}

/** What applies where an argument is not given. */
export const defaultArguments: TrainingArguments = {
  learning_rate: 5e-5,
  num_train_epochs: 3,
  max_steps: -1,
  per_device_train_batch_size: 8,
  per_device_eval_batch_size: 8,
  gradient_accumulation_steps: 1,
  gradient_checkpointing: false,
  mixed_precision: "no",
  lr_scheduler_type: "linear",
  warmup_steps: 0,
  warmup_ratio: 0,
  optim: "adamw_torch",
  layerwise_lr_decay: 1,
  weight_decay: 0,
  adam_beta1: 0.9,
  adam_beta2: 0.999,
  adam_epsilon: 1e-8,
  max_grad_norm: 1,
  label_smoothing_factor: 0,
  shuffle: true,
  group_by_length: false,
  dataloader_drop_last: false,
  balanced_sampling: false,
  seed: 42,
  logging_steps: 500,
  eval_strategy: "no",
  eval_steps: 500,
  eval_on_start: false,
  eval_delay: 0,
  save_steps: 500,
  load_best_model_at_end: false,
  metric_for_best_model: "loss",
  early_stopping_threshold: 0,
};

/** The arguments that may be absent. */
export const optionalArguments = [
  "ema_decay",
  "optim_args",
  "class_weights",
  "lr_scheduler_kwargs",
  "greater_is_better",
  "save_strategy",
  "save_total_limit",
  "early_stopping_patience",
] as const satisfies readonly (keyof TrainingArguments)[];

const atLeastOne = (value: number) => Number.isSafeInteger(value) && value >= 1;
const notNegative = (value: number) => Number.isFinite(value) && value >= 0;
const share = (value: number) => value >= 0 && value < 1;

const rules: Readonly<Record<string, readonly [(value: number) => boolean, string]>> = {
  learning_rate: [notNegative, "a number of at least 0"],
  num_train_epochs: [(value) => value > 0 && value < 1e6, "a number above 0"],
  max_steps: [Number.isSafeInteger, "a whole number"],
  per_device_train_batch_size: [atLeastOne, "a whole number of at least 1"],
  per_device_eval_batch_size: [atLeastOne, "a whole number of at least 1"],
  gradient_accumulation_steps: [atLeastOne, "a whole number of at least 1"],
  warmup_steps: [(v) => share(v) || atLeastOne(v), "a whole number, or a share below 1"],
  warmup_ratio: [(value) => value >= 0 && value <= 1, "a share from 0 to 1"],
  layerwise_lr_decay: [(value) => value > 0 && value <= 1, "a number above 0, at most 1"],
  weight_decay: [notNegative, "a number of at least 0"],
  adam_beta1: [share, "a number from 0 to less than 1"],
  adam_beta2: [share, "a number from 0 to less than 1"],
  adam_epsilon: [(value) => value > 0 && value < 1, "a number above 0"],
  label_smoothing_factor: [share, "a share from 0 to less than 1"],
  max_grad_norm: [notNegative, "a number of at least 0"],
  seed: [Number.isSafeInteger, "a whole number"],
  logging_steps: [atLeastOne, "a whole number of at least 1"],
  eval_delay: [notNegative, "a number of at least 0"],
  eval_steps: [atLeastOne, "a whole number of at least 1"],
  save_steps: [atLeastOne, "a whole number of at least 1"],
  early_stopping_threshold: [notNegative, "a number of at least 0"],
};

const optionalRules: typeof rules = {
  ema_decay: [share, "a number from 0 to less than 1"],
  save_total_limit: [atLeastOne, "a whole number of at least 1"],
  early_stopping_patience: [atLeastOne, "a whole number of at least 1"],
};

/** The arguments with defaults filled in; a TrainingError names the first that is out of range. */
export function completeArguments(given: Partial<TrainingArguments>): TrainingArguments {
  const complete = { ...defaultArguments, ...given };
  for (const [name, [isValid, expected]] of Object.entries({ ...rules, ...optionalRules })) {
    const value = complete[name as keyof TrainingArguments];
    if (value === undefined && name in optionalRules) continue;
    if (typeof value !== "number" || !isValid(value)) throw invalid(name, value, expected);
  }
  if (!schedulerTypes.includes(complete.lr_scheduler_type))
    throw invalid(
      "lr_scheduler_type",
      complete.lr_scheduler_type,
      `one of ${schedulerTypes.join(", ")}`,
    );
  if (!optimizers.includes(complete.optim))
    throw invalid("optim", complete.optim, `one of ${optimizers.join(", ")}`);
  if (!precisions.includes(complete.mixed_precision))
    throw invalid("mixed_precision", complete.mixed_precision, `one of ${precisions.join(", ")}`);
  if (complete.optim_args && complete.optim !== "sgd")
    throw invalid("optim_args", complete.optim_args, `none: ${complete.optim} takes none`);
  const problem = kwargsProblem(complete);
  if (problem !== undefined)
    throw invalid("lr_scheduler_kwargs", complete.lr_scheduler_kwargs ?? {}, problem);
  if (complete.class_weights?.every((weight) => weight > 0 && weight < 1e6) === false)
    throw invalid("class_weights", complete.class_weights, "numbers above 0");
  const name = argumentThatEvaluates(complete);
  if (name !== undefined && complete.eval_strategy === "no")
    throw invalid(name, complete[name], 'eval_strategy "epoch" or "steps" beside it');
  return complete;
}

/** The first of these arguments that cannot do without evaluations. */
export function argumentThatEvaluates(given: {
  readonly load_best_model_at_end: boolean;
  readonly early_stopping_patience?: number;
  readonly eval_on_start: boolean;
  readonly lr_scheduler_type: SchedulerType;
}) {
  if (given.load_best_model_at_end) return "load_best_model_at_end";
  if (given.early_stopping_patience) return "early_stopping_patience";
  if (given.eval_on_start) return "eval_on_start";
  return isAdaptive(given.lr_scheduler_type) ? "lr_scheduler_type" : undefined;
}

function invalid(name: string, value: unknown, expected: string): TrainingError {
  return new TrainingError(
    "argument-invalid",
    `${name} is ${JSON.stringify(value)}; expected ${expected}.`,
  );
}
