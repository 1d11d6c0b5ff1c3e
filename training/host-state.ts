import type { Device } from "../compute/device.ts";
import type { Model } from "../models/model.ts";
import type { Parameters } from "../models/parameters.ts";
import type { ModelWithWeights } from "../models/pretrained.ts";
import { copyParameters } from "./best-model.ts";
import { clipScale, GradientSum } from "./gradient-sum.ts";
import { LossScale } from "./loss-scale.ts";
import { createOptimizer } from "./optimizers/create-optimizer.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import { productType } from "./product-type.ts";
import type { StepResult, StepRole, TrainedTensors, TrainState } from "./train-state.ts";
import type { TrainingArguments } from "./training-arguments.ts";
import { type TrainingBatch, TrainingStep } from "./training-step.ts";
import { WeightAverage } from "./weight-average.ts";

/** Compiled graphs to keep, one for each length of batch: as many as there are up to 512 tokens. */
export const SESSIONS = 32;

/** Weights in the host's memory: a device computes gradients, and the optimizer works in place. */
export class HostState implements TrainState {
  readonly #given: TrainingArguments;
  readonly #optimizer: Optimizer;
  readonly #gradients: TrainingStep;
  readonly #lossScale: LossScale | undefined;
  #parameters: Parameters;
  #average: WeightAverage | undefined;

  /** `start` stays as it is. */
  constructor({ model, parameters }: ModelWithWeights, device: Device, given: TrainingArguments) {
    this.#given = given;
    this.#parameters = copyParameters(parameters);
    this.#optimizer = createOptimizer(model.parameters, given);
    this.#gradients = trainingStep(model, device, given);
    this.#lossScale = given.mixed_precision === "fp16" ? new LossScale() : undefined;
    this.#average = given.ema_decay === undefined ? undefined : new WeightAverage(given.ema_decay);
  }

  async step(batches: readonly TrainingBatch[], role: StepRole): Promise<StepResult> {
    const { loss, gradients, gradNorm } = await this.#lossAndGradients(batches, role);
    if (!Number.isFinite(loss)) return { loss, gradNorm };
    // An overflow ends with a smaller scale, and the step is computed again: no rows are passed over.
    if (!Number.isFinite(gradNorm))
      return this.#lossScale?.shrink() ? this.step(batches, role) : { loss, gradNorm };
    const scale = this.#lossScale?.value ?? 1;
    const gradientScale = clipScale(gradNorm, this.#given.max_grad_norm) / scale;
    const { learningRate } = role;
    this.#optimizer.step(this.#parameters, gradients, { learningRate, gradientScale });
    this.#average?.add(this.#parameters);
    this.#lossScale?.keep();
    return { loss, gradNorm };
  }

  async #lossAndGradients(batches: readonly TrainingBatch[], { seed, step }: StepRole) {
    const gradients = new GradientSum();
    const lossScale = this.#lossScale?.value;
    let loss = 0;
    for (const [part, batch] of batches.entries())
      loss += await this.#gradients.addGradients(gradients, this.#parameters, {
        batch,
        role: { seed, step, part },
        ...(lossScale && { lossScale }),
      });
    return { loss, gradients, gradNorm: gradients.norm() / (lossScale ?? 1) };
  }

  async weights(): Promise<Parameters> {
    return this.#average?.parameters ?? this.#parameters;
  }

  async tensors(): Promise<TrainedTensors> {
    const average = this.#average?.parameters;
    return {
      parameters: this.#parameters,
      optimizer: new Map([...this.#optimizer.state(), ...(this.#lossScale?.state() ?? [])]),
      ...(average && { average }),
    };
  }

  restore({ parameters, optimizer, average }: TrainedTensors, steps: number): void {
    this.#parameters = parameters;
    const { ema_decay } = this.#given;
    if (ema_decay !== undefined) this.#average = new WeightAverage(ema_decay, average);
    this.#optimizer.restore(optimizer, steps);
    this.#lossScale?.restore(optimizer);
  }

  async releaseGraphs(): Promise<void> {
    await this.#gradients.release();
  }

  async release(): Promise<void> {
    await this.releaseGraphs();
  }
}

function trainingStep(model: Model, device: Device, given: TrainingArguments): TrainingStep {
  return new TrainingStep(model, device, {
    sessions: SESSIONS,
    smoothing: given.label_smoothing_factor,
    checkpointing: given.gradient_checkpointing,
    mixedPrecision: productType(given),
  });
}
