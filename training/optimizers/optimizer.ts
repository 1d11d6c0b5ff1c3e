import type { Parameters } from "../../models/parameters.ts";
import type { RawTensor } from "../../models/safetensors.ts";
import type { GradientSum } from "../gradient-sum.ts";

/** The numbers of one step that are equal for all parameters. */
export interface StepRates {
  readonly learningRate: number;
  /** What gradients are multiplied by first: below 1 where they are clipped. */
  readonly gradientScale: number;
}

/** Changes parameters by their gradients. What it remembers can be taken out and put back, bit by bit. */
export interface Optimizer {
  /** Changes the parameters that have a gradient by one step, in place. */
  step(parameters: Parameters, gradients: GradientSum, rates: StepRates): void;
  /** What it remembers, as tensors in memory of its own. */
  state(): ReadonlyMap<string, RawTensor>;
  /** Goes on from what another one of equal parameters remembered after so many steps. */
  restore(state: ReadonlyMap<string, RawTensor>, steps: number): void;
}
