import type { Parameters } from "../models/parameters.ts";
import type { RawTensor } from "../models/safetensors.ts";
import type { TrainingBatch } from "./training-step.ts";

/** The numbers of one step that are equal for all of its batches. */
export interface StepRole {
  readonly seed: number;
  /** The number of the step, from 0. */
  readonly step: number;
  readonly learningRate: number;
}

/** What a step found. Where one of them is not finite, the weights are to be used no more. */
export interface StepResult {
  /** The sum of the batches' losses. */
  readonly loss: number;
  /** The Euclidean norm of all gradients together, before they are clipped. */
  readonly gradNorm: number;
}

/** What a checkpoint holds of a training's numbers. */
export interface TrainedTensors {
  readonly parameters: Parameters;
  readonly optimizer: ReadonlyMap<string, RawTensor>;
  /** The moving average of the parameters, where there is one. */
  readonly average?: Parameters;
}

/** Weights and optimizer of a training, wherever they lie. */
export interface TrainState {
  /** One optimizer step: the gradients of the batches are added up, clipped and applied. */
  step(batches: readonly TrainingBatch[], role: StepRole): Promise<StepResult>;
  /** On the host: what is evaluated and returned, the average where there is one. The next step may change it. */
  weights(): Promise<Parameters>;
  /** On the host. The next step may change them. */
  tensors(): Promise<TrainedTensors>;
  /** Goes on from those of another state after so many steps. */
  restore(tensors: TrainedTensors, steps: number): void;
  /** Frees what only steps need; it may be called again. */
  releaseGraphs(): Promise<void>;
  /** Frees everything. */
  release(): Promise<void>;
}
