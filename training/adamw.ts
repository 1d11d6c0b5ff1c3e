import type { ParameterSpec, Parameters } from "../models/parameters.ts";
import { type AdamCoefficients, adamUpdate, type Moments } from "./adam-update.ts";
import type { GradientSum } from "./gradient-sum.ts";
import { TableMoments } from "./table-moments.ts";
import type { TrainingArguments } from "./training-arguments.ts";

type AdamWArguments = Pick<
  TrainingArguments,
  "adam_beta1" | "adam_beta2" | "adam_epsilon" | "weight_decay"
>;

/**
 * AdamW (https://arxiv.org/abs/1711.05101) as torch.optim.AdamW has it, in place on the host; in
 * optax's words chain(scaleByAdam, addDecayedWeights, scaleByLearningRate), in one pass over memory.
 * Weight decay applies to the parameters whose spec says so, as transformers' Trainer groups them.
 */
export class AdamW {
  #steps = 0;
  readonly #specs: readonly ParameterSpec[];
  readonly #given: AdamWArguments;
  readonly #dense = new Map<string, Moments>();
  readonly #tables = new Map<string, TableMoments>();

  constructor(specs: readonly ParameterSpec[], given: AdamWArguments) {
    this.#specs = specs;
    this.#given = given;
  }

  /** Changes the parameters that have a gradient by one step; gradients count `gradientScale` times. */
  step(
    parameters: Parameters,
    gradients: GradientSum,
    rates: { readonly learningRate: number; readonly gradientScale: number },
  ): void {
    this.#steps += 1;
    for (const { name, shape, decays } of this.#specs) {
      const { data } = parameters.get(name)!;
      const coefficients = this.#coefficients(rates, decays);
      const dense = gradients.dense.get(name);
      const rows = gradients.tables.get(name);
      if (dense !== undefined) {
        if (rows !== undefined) rows.addTo(dense);
        const span = { parameter: 0, gradient: 0, moments: 0, count: data.length };
        adamUpdate(data, dense, this.#denseMoments(name, data.length), span, coefficients);
      } else if (rows !== undefined) {
        let moments = this.#tables.get(name);
        if (moments === undefined) {
          moments = new TableMoments(shape[0]!, rows.width);
          this.#tables.set(name, moments);
        }
        moments.update(data, rows, coefficients);
      }
    }
  }

  #coefficients(
    { learningRate, gradientScale }: { learningRate: number; gradientScale: number },
    decays: boolean,
  ): AdamCoefficients {
    const { adam_beta1: beta1, adam_beta2: beta2, adam_epsilon: epsilon } = this.#given;
    // To float32, in which the last bits of a cosine, which differ between machines, are gone.
    const rate = Math.fround(learningRate);
    return {
      beta1,
      beta2,
      gradientScale,
      stepSize: rate / (1 - beta1 ** this.#steps),
      secondScale: 1 / Math.sqrt(1 - beta2 ** this.#steps),
      epsilon,
      keep: decays ? 1 - rate * this.#given.weight_decay : 1,
    };
  }

  #denseMoments(name: string, length: number): Moments {
    let moments = this.#dense.get(name);
    if (moments === undefined) {
      moments = { first: new Float32Array(length), second: new Float32Array(length) };
      this.#dense.set(name, moments);
    }
    return moments;
  }
}
