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
  const parts = rowCount(dataset) / given.per_device_train_batch_size;
  const batches = given.dataloader_drop_last ? Math.floor(parts) : Math.ceil(parts);
  return Math.ceil(batches / given.gradient_accumulation_steps);
}

/** Optimizer steps of the whole training. */
export function totalSteps(dataset: TokenDataset, given: PlanArguments): number {
  if (given.max_steps > 0) return given.max_steps;
  return Math.ceil(given.num_train_epochs * stepsPerEpoch(dataset, given));
}

/** Every step of a training from the one with number `from` on, in order. */
export function* plannedSteps(
  dataset: TokenDataset,
  given: PlanArguments,
  from = 0,
): Generator<PlannedStep> {
  const perEpoch = stepsPerEpoch(dataset, given);
  const total = totalSteps(dataset, given);
  const parts = given.gradient_accumulation_steps;
  let step = from;
  for (let epoch = Math.floor(from / perEpoch); step < total; epoch++) {
    const batches = epochBatches(dataset, epoch, given);
    const first = (step - epoch * perEpoch) * parts;
    for (let at = first; at < batches.length && step < total; at += parts, step++)
      yield {
        step,
        epoch: (step + 1) / perEpoch,
        batches: batches.slice(at, at + parts),
        endsEpoch: endsEpoch(step + 1, { perEpoch, total }),
      };
  }
}

/** Whether an epoch, or training, ends after so many steps. */
function endsEpoch(steps: number, { perEpoch, total }: { perEpoch: number; total: number }) {
  return steps % perEpoch === 0 || steps === total;
}

/** Whether a training evaluates after so many steps; as in Trainer also after the last, where it goes by steps. */
export function isEvaluatedAfter(
  steps: number,
  dataset: TokenDataset,
  given: PlanArguments &
    Pick<TrainingArguments, "eval_on_start" | "eval_strategy" | "eval_steps" | "eval_delay">,
): boolean {
  const { eval_strategy, eval_steps, eval_delay } = given;
  if (steps === 0) return given.eval_on_start;
  const [perEpoch, total] = [stepsPerEpoch(dataset, given), totalSteps(dataset, given)];
  if (eval_strategy === "steps")
    return (steps % eval_steps === 0 || steps === total) && steps >= eval_delay;
  if (steps / perEpoch < eval_delay) return false;
  return eval_strategy === "epoch" && endsEpoch(steps, { perEpoch, total });
}
