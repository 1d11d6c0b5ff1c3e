import type { TrainingArguments } from "./training-arguments.ts";

/** The schedules whose rate at a step is the same however many steps come after it. */
export const steadySchedules = ["constant", "constant_with_warmup"] as const;

type ScheduleArguments = Pick<
  TrainingArguments,
  "learning_rate" | "lr_scheduler_type" | "warmup_steps" | "warmup_ratio"
>;

/** Steps of warm-up: those given, or a share of all steps, rounded up as transformers does. */
export function warmupSteps(given: ScheduleArguments, totalSteps: number): number {
  if (given.warmup_steps >= 1) return given.warmup_steps;
  return Math.ceil(totalSteps * (given.warmup_steps > 0 ? given.warmup_steps : given.warmup_ratio));
}

/** Whether the warm-up is given as a share of all steps. */
export function hasWarmupShare(given: ScheduleArguments): boolean {
  if (given.lr_scheduler_type === "constant" || given.warmup_steps >= 1) return false;
  return given.warmup_steps > 0 || given.warmup_ratio > 0;
}

/** Whether the rate at a step depends on the number of all steps: then no longer training can go on from this one. */
export function looksAhead(given: ScheduleArguments): boolean {
  const isSteady = steadySchedules.some((type) => type === given.lr_scheduler_type);
  return !isSteady || hasWarmupShare(given);
}

/**
 * The learning rate of the optimizer step with number `step` (from 0) of `totalSteps`.
 * https://github.com/huggingface/transformers/blob/main/src/transformers/optimization.py
 */
export function learningRateAt(step: number, totalSteps: number, given: ScheduleArguments): number {
  const { learning_rate: peak, lr_scheduler_type: type } = given;
  if (type === "constant") return peak; // has no warm-up in transformers either
  const warmup = warmupSteps(given, totalSteps);
  if (step < warmup) return peak * (step / Math.max(1, warmup));
  if (type === "constant_with_warmup") return peak;
  const decaySteps = Math.max(1, totalSteps - warmup);
  if (type === "linear") return peak * Math.max(0, (totalSteps - step) / decaySteps);
  return peak * Math.max(0, 0.5 * (1 + Math.cos((Math.PI * (step - warmup)) / decaySteps)));
}
