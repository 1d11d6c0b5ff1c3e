import type { TrainingArguments } from "./training-arguments.ts";

/** One entry of a log, with Trainer's keys: `loss`, `grad_norm`, `learning_rate`, or `eval_…`. */
export type LogEntry = { readonly epoch: number; readonly step: number } & Readonly<
  Record<string, number>
>;

/** A callback of Trainer's with a memory. */
export interface CallbackState {
  readonly args: Readonly<Record<string, number>>;
  readonly attributes: Readonly<Record<string, number>>;
}

/** The course of a training, with the keys of Trainer's trainer_state.json. It holds no clock. */
export interface TrainerState {
  readonly best_global_step: number | null;
  readonly best_metric: number | null;
  readonly best_model_checkpoint: string | null;
  readonly epoch: number;
  readonly eval_steps: number;
  readonly global_step: number;
  readonly is_hyper_param_search: boolean;
  readonly is_local_process_zero: boolean;
  readonly is_world_process_zero: boolean;
  readonly log_history: readonly LogEntry[];
  readonly logging_steps: number;
  readonly max_steps: number;
  readonly num_input_tokens_seen: number;
  readonly num_train_epochs: number;
  readonly save_steps: number;
  readonly stateful_callbacks: Readonly<Record<string, CallbackState>>;
  readonly total_flos: number;
  readonly train_batch_size: number;
  readonly trial_name: null;
  readonly trial_params: null;
}

/** What a training knows at its end, beside its arguments. */
export interface Course {
  readonly step: number;
  readonly epoch: number;
  readonly maxSteps: number;
  readonly stepsPerEpoch: number;
  /** Tokens without padding. */
  readonly tokens: number;
  readonly best: { readonly step: number; readonly value: number } | undefined;
  readonly patienceCounter: number;
  readonly log: readonly LogEntry[];
}

/** The state of a training as Trainer would write it. */
export function trainerState(course: Course, given: TrainingArguments): TrainerState {
  return {
    best_global_step: course.best?.step ?? null,
    best_metric: course.best?.value ?? null,
    best_model_checkpoint: null,
    epoch: course.epoch,
    eval_steps: given.eval_strategy === "steps" ? given.eval_steps : course.stepsPerEpoch,
    global_step: course.step,
    is_hyper_param_search: false,
    is_local_process_zero: true,
    is_world_process_zero: true,
    log_history: course.log,
    logging_steps: given.logging_steps,
    max_steps: course.maxSteps,
    num_input_tokens_seen: course.tokens,
    num_train_epochs: Math.ceil(course.maxSteps / course.stepsPerEpoch),
    save_steps: course.stepsPerEpoch,
    stateful_callbacks: callbacksOf(course, given),
    total_flos: 0,
    train_batch_size: given.per_device_train_batch_size,
    trial_name: null,
    trial_params: null,
  };
}

function callbacksOf({ patienceCounter }: Course, given: TrainingArguments) {
  const { early_stopping_patience, early_stopping_threshold } = given;
  if (early_stopping_patience === undefined) return {};
  const args = { early_stopping_patience, early_stopping_threshold };
  const attributes = { early_stopping_patience_counter: patienceCounter };
  return { EarlyStoppingCallback: { args, attributes } };
}
