import type { Device } from "../compute/device.ts";
import type { ModelWithWeights } from "../models/pretrained.ts";
import { AdamW } from "./adamw.ts";
import { padBatch, trainingBatch } from "./batches.ts";
import { BestModel, copyParameters } from "./best-model.ts";
import { predictLogits } from "./evaluate.ts";
import { clipScale, GradientSum } from "./gradient-sum.ts";
import { classificationMetrics } from "./metrics.ts";
import { learningRateAt } from "./schedule.ts";
import { type PlannedStep, plannedSteps, stepsPerEpoch, totalSteps } from "./step-plan.ts";
import { checkDataset, rowCount, type TokenDataset } from "./token-dataset.ts";
import { type LogEntry, type TrainerState, trainerState } from "./trainer-state.ts";
import { completeArguments, type TrainingArguments } from "./training-arguments.ts";
import { TrainingError } from "./training-error.ts";
import { TrainingStep } from "./training-step.ts";

/** How far a training is. The only place with a clock: nothing of it enters results. */
export interface TrainingProgress {
  /** Steps done. */
  readonly step: number;
  readonly maxSteps: number;
  readonly epoch: number;
  readonly loss: number;
  readonly learningRate: number;
  /** Tokens without padding, over the whole training so far. */
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
}

/** A trained classifier and the course of its training. */
export interface FineTuned {
  readonly trained: ModelWithWeights;
  readonly state: TrainerState;
}

/** Compiled graphs to keep, one for each length of batch: as many as there are up to 512 tokens. */
const SESSIONS = 32;

/**
 * Fine-tunes a classifier as transformers' Trainer does. Equal inputs on the same kind of device give
 * the same bits, whatever its threads. A TrainingError names rows that cannot be trained on, and the
 * step and rows at which the loss or its gradient stops being finite.
 */
export async function fineTune(options: FineTuneOptions): Promise<FineTuned> {
  const { start, dataset, evaluation, signal } = options;
  const given = completeArguments(options.arguments);
  const { model } = start;
  checkDataset(dataset, { model, numLabels: start.labels.length });
  if (evaluation) checkDataset(evaluation, { model, numLabels: start.labels.length });
  else if (given.eval_strategy !== "no")
    throw new TrainingError(
      "evaluation-missing",
      `eval_strategy is "${given.eval_strategy}", but there is no dataset to evaluate on.`,
    );
  const training = new Training(options, given);
  try {
    for (const planned of plannedSteps(dataset, given)) {
      signal?.throwIfAborted();
      await training.step(planned);
      if (planned.endsEpoch && given.eval_strategy === "epoch") await training.evaluate(planned);
    }
  } finally {
    await training.release();
  }
  return training.result();
}

/** The state of one training while it runs. */
class Training {
  readonly #options: FineTuneOptions;
  readonly #given: TrainingArguments;
  readonly #maxSteps: number;
  readonly #parameters: ModelWithWeights["parameters"];
  readonly #optimizer: AdamW;
  readonly #gradients: TrainingStep;
  readonly #best: BestModel;
  readonly #log: LogEntry[] = [];
  readonly #began = performance.now();
  #lossSinceLog = 0;
  #lossInAll = 0;
  #tokens = 0;
  #last: { readonly step: number; readonly epoch: number } = { step: 0, epoch: 0 };

  constructor(options: FineTuneOptions, given: TrainingArguments) {
    const { start, device, dataset } = options;
    this.#options = options;
    this.#given = given;
    this.#maxSteps = totalSteps(dataset, given);
    this.#parameters = copyParameters(start.parameters);
    this.#optimizer = new AdamW(start.model.parameters, given);
    this.#gradients = new TrainingStep(start.model, device, { sessions: SESSIONS });
    this.#best = new BestModel(given);
  }

  /** One optimizer step. */
  async step(planned: PlannedStep): Promise<void> {
    const { step, epoch } = planned;
    const { loss, gradients } = await this.#lossAndGradients(planned);
    const gradNorm = gradients.norm();
    if (!Number.isFinite(gradNorm)) throw this.#notFinite("gradient", planned);
    const learningRate = learningRateAt(step, this.#maxSteps, this.#given);
    const gradientScale = clipScale(gradNorm, this.#given.max_grad_norm);
    this.#optimizer.step(this.#parameters, gradients, { learningRate, gradientScale });
    this.#last = { step: step + 1, epoch };
    this.#lossInAll += loss;
    this.#lossSinceLog += loss;
    if ((step + 1) % this.#given.logging_steps === 0) {
      const meanLoss = this.#lossSinceLog / this.#given.logging_steps;
      this.#log.push({
        epoch,
        grad_norm: gradNorm,
        learning_rate: learningRate,
        loss: meanLoss,
        step: step + 1,
      });
      this.#lossSinceLog = 0;
    }
    this.#report(loss, learningRate);
  }

  /** Evaluates after the last step; remembers the best. */
  async evaluate({ epoch }: PlannedStep): Promise<void> {
    const { start, device, evaluation, signal } = this.#options;
    const logits = await predictLogits(evaluation!, {
      model: start.model,
      parameters: this.#parameters,
      device,
      batchSize: this.#given.per_device_eval_batch_size,
      ...(signal && { signal }),
    });
    const metrics = classificationMetrics(logits, evaluation!.labels, start.labels);
    const { loss, accuracy, macro_f1, weighted_f1 } = metrics;
    const { step } = this.#last;
    this.#log.push({
      epoch,
      eval_accuracy: accuracy,
      eval_loss: loss,
      eval_macro_f1: macro_f1,
      eval_weighted_f1: weighted_f1,
      step,
    });
    this.#best.offer(step, { loss, accuracy, macro_f1, weighted_f1 }, this.#parameters);
  }

  result(): FineTuned {
    const { start, dataset } = this.#options;
    const parameters = this.#best.parameters ?? this.#parameters;
    const course = {
      ...this.#last,
      maxSteps: this.#maxSteps,
      stepsPerEpoch: stepsPerEpoch(dataset, this.#given),
      tokens: this.#tokens,
      best: this.#best.best,
      log: [...this.#log, { ...this.#last, train_loss: this.#lossInAll / this.#last.step }],
    };
    return { trained: { ...start, parameters }, state: trainerState(course, this.#given) };
  }

  async release(): Promise<void> {
    await this.#gradients.release();
  }

  async #lossAndGradients(
    planned: PlannedStep,
  ): Promise<{ readonly loss: number; readonly gradients: GradientSum }> {
    const { start, dataset } = this.#options;
    const { maxLength, padTokenId } = start.model;
    const rows = Math.min(this.#given.per_device_train_batch_size, rowCount(dataset));
    const rowWeight = 1 / planned.batches.flat().length;
    const gradients = new GradientSum();
    let loss = 0;
    for (const [part, rowNumbers] of planned.batches.entries()) {
      const batch = padBatch(dataset, rowNumbers, { rows, maxLength, padTokenId });
      const role = { seed: this.#given.seed, step: planned.step, part };
      loss += await this.#gradients.addGradients(gradients, this.#parameters, {
        batch: trainingBatch(batch, rowWeight),
        role,
      });
      this.#tokens += batch.tokens;
    }
    if (!Number.isFinite(loss)) throw this.#notFinite("loss", planned);
    return { loss, gradients };
  }

  #notFinite(what: "loss" | "gradient", { step, batches }: PlannedStep): TrainingError {
    const rows = batches.flat().map((row) => `"${this.#options.dataset.rowIds[row]}"`);
    const shown = rows.slice(0, 16).join(", ") + (rows.length > 16 ? ", …" : "");
    return new TrainingError(
      `${what}-not-finite`,
      `The ${what} is not finite at step ${step + 1}, on the rows ${shown}.`,
      "Try a lower learning_rate, more warmup_steps, or look at these rows.",
    );
  }

  #report(loss: number, learningRate: number): void {
    const seconds = (performance.now() - this.#began) / 1000;
    const { step, epoch } = this.#last;
    this.#options.onProgress?.({
      step,
      maxSteps: this.#maxSteps,
      epoch,
      loss,
      learningRate,
      tokensPerSecond: this.#tokens / seconds,
      secondsLeft: (seconds / step) * (this.#maxSteps - step),
    });
  }
}
