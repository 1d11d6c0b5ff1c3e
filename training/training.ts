import { streamKey } from "../models/counter-hash.ts";
import { padBatch, trainingBatch } from "./batches.ts";
import { BestModel } from "./best-model.ts";
import { CheckpointWriter } from "./checkpoint-writer.ts";
import type { FineTuned, FineTuneOptions } from "./fine-tune.ts";
import { History, type Metrics } from "./history.ts";
import { maskedDataset } from "./masking.ts";
import { openTrainState } from "./open-train-state.ts";
import { findCheckpoint } from "./resume.ts";
import { decayStart, learningRateAt } from "./schedule.ts";
import { isEvaluatedAfter, type PlannedStep, stepsPerEpoch, totalSteps } from "./step-plan.ts";
import { taskMetrics } from "./task-metrics.ts";
import { labelCount, labelWeight, rowCount, type TokenDataset } from "./token-dataset.ts";
import type { TrainState } from "./train-state.ts";
import { type TrainerState, trainerState } from "./trainer-state.ts";
import type { TrainingArguments } from "./training-arguments.ts";
import { TrainingError } from "./training-error.ts";
import type { TrainingBatch } from "./training-step.ts";

/** The state of one training while it runs. */
export class Training {
  readonly #options: FineTuneOptions;
  readonly #given: TrainingArguments;
  readonly #maxSteps: number;
  readonly #stepsPerEpoch: number;
  readonly #trained: TrainState;
  readonly #checkpoints: CheckpointWriter | undefined;
  readonly #began = performance.now();
  #best: BestModel;
  #history = new History();
  #shown: { readonly epoch: number; readonly dataset: TokenDataset } | undefined;
  #resumedAt = 0;
  #tokensHere = 0;

  constructor(options: FineTuneOptions, given: TrainingArguments) {
    const { start, device, dataset, checkpoints, onNotice } = options;
    this.#options = options;
    this.#given = given;
    this.#maxSteps = totalSteps(dataset, given);
    this.#stepsPerEpoch = stepsPerEpoch(dataset, given);
    this.#trained = openTrainState(start, device, given);
    this.#best = new BestModel(given);
    this.#checkpoints = checkpoints && new CheckpointWriter(checkpoints, given, onNotice);
  }

  get hasLostPatience(): boolean {
    return this.#best.hasLostPatience;
  }

  get #steps(): number {
    return this.#history.steps.length;
  }

  /** Goes on from the newest checkpoint that fits; returns the number of steps that are done. */
  async resume(): Promise<number> {
    const { start, checkpoints, onNotice = () => {} } = this.#options;
    if (checkpoints === undefined) return 0;
    const resumed = await findCheckpoint(checkpoints, {
      start,
      given: this.#given,
      maxSteps: this.#maxSteps,
      learningRateAt: (step, evaluations) =>
        learningRateAt(step, this.#maxSteps, this.#given, evaluations),
      isEvaluated: (steps) => this.#isEvaluated(steps),
      evaluate: (parameters) => this.#metricsOf(parameters),
      tell: onNotice,
    });
    if (resumed === undefined) return 0;
    const { snapshot, best } = resumed;
    this.#history = snapshot.history;
    this.#best = best;
    this.#trained.restore(snapshot, this.#steps);
    this.#resumedAt = this.#steps;
    return this.#steps;
  }

  /** One optimizer step. */
  async step(planned: PlannedStep): Promise<void> {
    const { batches, tokens } = this.#batchesOf(planned);
    const { evaluations } = this.#history;
    const learningRate = learningRateAt(planned.step, this.#maxSteps, this.#given, evaluations);
    const role = { seed: this.#given.seed, step: planned.step, learningRate };
    const { loss, gradNorm } = await this.#trained.step(batches, role);
    if (!Number.isFinite(loss)) throw this.#notFinite("loss", planned);
    if (!Number.isFinite(gradNorm)) throw this.#notFinite("gradient", planned);
    this.#history.steps.push({ loss, gradNorm, learningRate, tokens });
    this.#tokensHere += tokens;
    this.#report(loss, learningRate);
  }

  /** Evaluates the model to start from, where that is asked for; neither the best model nor the rate follow it. */
  async evaluateStart(): Promise<void> {
    const { evaluations } = this.#history;
    if (!this.#isEvaluated(0) || evaluations.has(0)) return;
    evaluations.set(0, await this.#metricsOf(await this.#trained.weights()));
  }

  /** What comes after a step: its evaluation and its checkpoint, where they are due. */
  async evaluateAndSave({ endsEpoch }: PlannedStep): Promise<void> {
    if (this.#isEvaluated(this.#steps)) {
      const weights = await this.#trained.weights();
      const metrics = await this.#metricsOf(weights);
      this.#history.evaluations.set(this.#steps, metrics);
      this.#best.offer(this.#steps, metrics, weights);
    }
    const isFork = this.#steps === decayStart(this.#maxSteps, this.#given);
    const isLast = this.#steps === this.#maxSteps || this.hasLostPatience;
    if (!isLast && (isFork || this.#checkpoints?.isDue(this.#steps, { endsEpoch })))
      await this.#save({ isFork });
  }

  /** Saves what an interrupted training has. */
  async saveBeforeStop(): Promise<void> {
    if (this.#steps > this.#resumedAt) await this.#save();
  }

  /** Saves the end, from which a longer training can go on. */
  async finish(): Promise<void> {
    if (this.hasLostPatience) this.#sayEarlyStop();
    await this.#trained.releaseGraphs(); // what is saved needs memory, too
    if (this.#steps > this.#resumedAt) await this.#save();
    this.#checkpoints?.dropPassing();
  }

  async result(): Promise<FineTuned> {
    const parameters = this.#best.parameters ?? (await this.#trained.weights());
    return {
      trained: { ...this.#options.start, parameters },
      state: this.#state({ isOver: true }),
    };
  }

  async release(): Promise<void> {
    await this.#trained.release();
  }

  #isEvaluated(steps: number): boolean {
    return isEvaluatedAfter(steps, this.#options.dataset, this.#given);
  }

  async #metricsOf(parameters: FineTuneOptions["start"]["parameters"]): Promise<Metrics> {
    const { start, device, evaluation, signal } = this.#options;
    return taskMetrics(evaluation!, {
      ...start,
      parameters,
      device,
      batchSize: this.#given.per_device_eval_batch_size,
      ...(signal && { signal }),
    });
  }

  async #save(options?: { readonly isFork: boolean }): Promise<void> {
    const { best, parameters } = this.#best;
    if (this.#checkpoints === undefined) return;
    await this.#checkpoints.save(
      {
        ...(await this.#trained.tensors()),
        history: this.#history,
        ...(best && parameters && best.step !== this.#steps && { best: { ...best, parameters } }),
      },
      {
        start: this.#options.start,
        state: this.#state({ isOver: false }),
        stepsPerEpoch: this.#stepsPerEpoch,
        seed: this.#given.seed,
      },
      options,
    );
  }

  #state({ isOver }: { isOver: boolean }): TrainerState {
    const last = { step: this.#steps, epoch: this.#steps / this.#stepsPerEpoch };
    const log = this.#history.log(this.#stepsPerEpoch, this.#given);
    const course = {
      ...last,
      maxSteps: this.#maxSteps,
      stepsPerEpoch: this.#stepsPerEpoch,
      tokens: this.#history.tokens,
      best: this.#best.best,
      patienceCounter: this.#best.patienceCounter,
      log: isOver ? [...log, { ...last, train_loss: this.#history.meanLoss }] : log,
    };
    return trainerState(course, this.#given);
  }

  /** The batches of a step, padded, each label weighed so that their losses add up to the step's mean. */
  #batchesOf(planned: PlannedStep): { batches: TrainingBatch[]; tokens: number } {
    const dataset = this.#rowsOf(planned);
    const { model } = this.#options.start;
    const rows = Math.min(this.#given.per_device_train_batch_size, rowCount(dataset));
    const { class_weights } = this.#given;
    const all = planned.batches.flat();
    const labels = class_weights
      ? labelWeight(dataset, all, class_weights)
      : labelCount(dataset, all);
    const weight = labels > 0 ? 1 / labels : 0;
    const padded = planned.batches.map((rowNumbers) =>
      padBatch(dataset, rowNumbers, { ...model, rows }),
    );
    return {
      batches: padded.map((batch) => trainingBatch(batch, weight, class_weights)),
      tokens: padded.reduce((sum, { tokens }) => sum + tokens, 0),
    };
  }

  /** The rows as the epoch of a step sees them. */
  #rowsOf({ step }: PlannedStep): TokenDataset {
    const epoch = Math.floor(step / this.#stepsPerEpoch);
    if (this.#shown?.epoch !== epoch) {
      const key = streamKey(this.#given.seed, "mask", epoch);
      this.#shown = { epoch, dataset: maskedDataset(this.#options.dataset, key) };
    }
    return this.#shown.dataset;
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

  #sayEarlyStop(): void {
    const { early_stopping_patience: patience } = this.#given;
    const best = this.#best.best!;
    this.#options.onNotice?.(
      `stops early after step ${this.#steps}: ${patience} evaluations were no better than that after step ${best.step} (${best.value.toPrecision(4)})`,
    );
  }

  #report(loss: number, learningRate: number): void {
    const seconds = (performance.now() - this.#began) / 1000;
    const step = this.#steps;
    const done = step - this.#resumedAt;
    this.#options.onProgress?.({
      step,
      maxSteps: this.#maxSteps,
      epoch: step / this.#stepsPerEpoch,
      loss,
      learningRate,
      tokensPerSecond: this.#tokensHere / seconds,
      secondsLeft: (seconds / done) * (this.#maxSteps - step),
    });
  }
}
