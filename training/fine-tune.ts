import type { Device } from "../compute/device.ts";
import { hasLabels } from "../models/labels.ts";
import type { ModelWithWeights } from "../models/pretrained.ts";
import type { CheckpointStore } from "./checkpoint.ts";
import { refusePrecision } from "./refuse-precision.ts";
import { plannedSteps } from "./step-plan.ts";
import { checkDataset, rowCount, type TokenDataset } from "./token-dataset.ts";
import type { TrainerState } from "./trainer-state.ts";
import { Training } from "./training.ts";
import { completeArguments, type TrainingArguments } from "./training-arguments.ts";
import { TrainingError } from "./training-error.ts";

/** How far a training is. The only place with a clock: nothing of it enters results. */
export interface TrainingProgress {
  /** Steps done. */
  readonly step: number;
  readonly maxSteps: number;
  readonly epoch: number;
  readonly loss: number;
  readonly learningRate: number;
  /** Tokens without padding, since the start or since it went on. */
  readonly tokensPerSecond: number;
  readonly secondsLeft: number;
}

/** What to train, on what, and where. */
export interface FineTuneOptions {
  /** The classifier to start from; it stays as it is. */
  readonly start: ModelWithWeights;
  readonly dataset: TokenDataset;
  /** What to evaluate on after each epoch. */
  readonly evaluation?: TokenDataset;
  readonly arguments: Partial<TrainingArguments>;
  readonly device: Device;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Heard between steps. */
  readonly signal?: AbortSignal;
  /** Where to go on from, and where to save. */
  readonly checkpoints?: CheckpointStore;
  /** Told in a sentence where training goes on, which checkpoints cannot be used, and why it ends early. */
  readonly onNotice?: (notice: string) => void;
}

/** A trained classifier and the course of its training. */
export interface FineTuned {
  readonly trained: ModelWithWeights;
  readonly state: TrainerState;
}

/**
 * Fine-tunes a classifier as transformers' Trainer does. Equal inputs on the same kind of device give
 * the same bits, whatever its threads, and however often it was stopped and went on from a checkpoint. A TrainingError names rows that cannot be trained on, and the
 * step and rows at which the loss or its gradient stops being finite.
 */
export async function fineTune(options: FineTuneOptions): Promise<FineTuned> {
  const { start, dataset, evaluation, signal } = options;
  const given = completeArguments(options.arguments);
  const { model } = start;
  const numLabels = hasLabels(model.task) ? start.labels.length : model.vocabSize;
  checkDataset(dataset, { model, numLabels });
  if (evaluation) checkDataset(evaluation, { model, numLabels });
  else if (given.eval_strategy !== "no")
    throw new TrainingError(
      "evaluation-missing",
      `eval_strategy is "${given.eval_strategy}", but there is no dataset to evaluate on.`,
    );
  await refusePrecision(options.device, given);
  const batchSize = given.per_device_train_batch_size;
  if (given.dataloader_drop_last && rowCount(dataset) < batchSize)
    throw new TrainingError(
      "argument-invalid",
      `dataloader_drop_last leaves nothing: the dataset has ${rowCount(dataset)} rows, a batch ${batchSize}.`,
    );
  const training = new Training(options, given);
  try {
    const from = await training.resume();
    await training.evaluateStart();
    for (const planned of plannedSteps(dataset, given, from)) {
      if (training.hasLostPatience) break;
      if (signal?.aborted) await training.saveBeforeStop();
      signal?.throwIfAborted();
      await training.step(planned);
      await training.evaluateAndSave(planned);
    }
    await training.finish();
    return await training.result();
  } finally {
    await training.release();
  }
}
