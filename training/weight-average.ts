import type { Parameters } from "../models/parameters.ts";
import { copyParameters } from "./best-model.ts";

/** An exponential moving average of a training's weights, as torch.optim.swa_utils.AveragedModel with an EMA's function. */
export class WeightAverage {
  /** Those of the first step before another one was added. */
  parameters: Parameters | undefined;
  readonly #decay: number;

  constructor(decay: number, parameters?: Parameters) {
    this.#decay = decay;
    this.parameters = parameters;
  }

  /** Adds the weights after one more step. */
  add(parameters: Parameters): void {
    if (this.parameters === undefined) {
      this.parameters = copyParameters(parameters);
      return;
    }
    const share = 1 - this.#decay;
    for (const [name, { data }] of this.parameters) {
      const newest = parameters.get(name)!.data;
      for (let i = 0; i < data.length; i++) data[i]! += share * (newest[i]! - data[i]!);
    }
  }
}
