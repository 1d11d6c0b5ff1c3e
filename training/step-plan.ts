import { epochBatches, type OrderOptions } from "./batches.ts";
import { rowCount, type TokenDataset } from "./token-dataset.ts";
import type { TrainingArguments } from "./training-arguments.ts";

/** One optimizer step: which rows, in which batches. */
export interface PlannedStep {
  /** From 0. */
  readonly step: number;
  /** Epochs done after this step, with fractions, as in Trainer's logs. */
  readonly epoch: number;
  /** The rows of each batch whose gradients are added up. */
  readonly batches: readonly (readonly number[])[];
  /** Whether an epoch, or training, ends with this step. */
  readonly endsEpoch: boolean;
}

type PlanArguments = OrderOptions &
  Pick<TrainingArguments, "gradient_accumulation_steps" | "max_steps" | "num_train_epochs">;

/** Optimizer steps in one epoch; the last takes the batches that are left. */
export function stepsPerEpoch(dataset: TokenDataset, given: PlanArguments): number {
  const batches = Math.ceil(rowCount(dataset) / given.per_device_train_batch_size);
  return Math.ceil(batches / given.gradient_accumulation_steps);
}

/** Optimizer steps of the whole training. */
export function totalSteps(dataset: TokenDataset, given: PlanArguments): number {
  if (given.max_steps > 0) return given.max_steps;
  return Math.ceil(given.num_train_epochs * stepsPerEpoch(dataset, given));
}

/** Every step of a training, in order. */
export function* plannedSteps(dataset: TokenDataset, given: PlanArguments): Generator<PlannedStep> {
  const perEpoch = stepsPerEpoch(dataset, given);
  const total = totalSteps(dataset, given);
  const parts = given.gradient_accumulation_steps;
  for (let step = 0, epoch = 0; step < total; epoch++) {
    const batches = epochBatches(dataset, epoch, given);
    for (let at = 0; at < batches.length && step < total; at += parts, step++) {
      yield {
        step,
        epoch: (step + 1) / perEpoch,
        batches: batches.slice(at, at + parts),
        endsEpoch: (step + 1) % perEpoch === 0 || step + 1 === total,
      };
    }
  }
}
