import { sizeOf } from "../../compute/graph.ts";
import type { ParameterSpec, Parameters } from "../../models/parameters.ts";
import type { RawTensor } from "../../models/safetensors.ts";
import type { GradientSum } from "../gradient-sum.ts";
import { floatsOf, integersOf, tensorOf } from "../tensor-bytes.ts";
import type { TrainingArguments } from "../training-arguments.ts";
import { type AdamCoefficients, adamUpdate, type Moments } from "./adam-update.ts";
import type { Optimizer, StepRates } from "./optimizer.ts";
import { TableMoments } from "./table-moments.ts";

type AdamWArguments = Pick<
  TrainingArguments,
  "adam_beta1" | "adam_beta2" | "adam_epsilon" | "weight_decay"
>;

/**
 * AdamW (https://arxiv.org/abs/1711.05101) as torch.optim.AdamW has it, in place on the host; in
 * optax's words chain(scaleByAdam, addDecayedWeights, scaleByLearningRate), in one pass over memory.
 * Weight decay applies to the parameters whose spec says so, as transformers' Trainer groups them.
 */
export class AdamW implements Optimizer {
  #steps = 0;
  readonly #specs: readonly ParameterSpec[];
  readonly #given: AdamWArguments;
  readonly #rateScale: (name: string) => number;
  readonly #dense = new Map<string, Moments>();
  readonly #tables = new Map<string, TableMoments>();

  /** `rateScale` multiplies the learning rate of a parameter. */
  constructor(
    specs: readonly ParameterSpec[],
    given: AdamWArguments,
    rateScale: (name: string) => number = () => 1,
  ) {
    this.#specs = specs;
    this.#given = given;
    this.#rateScale = rateScale;
  }

  step(parameters: Parameters, gradients: GradientSum, rates: StepRates): void {
    this.#steps += 1;
    for (const { name, shape, decays } of this.#specs) {
      const { data } = parameters.get(name)!;
      const learningRate = rates.learningRate * this.#rateScale(name);
      const coefficients = this.#coefficients({ ...rates, learningRate }, decays);
      const dense = gradients.dense.get(name);
      const rows = gradients.tables.get(name);
      if (dense !== undefined) {
        const span = { parameter: 0, gradient: 0, moments: 0, count: data.length };
        adamUpdate(data, dense, this.#denseMoments(name, data.length), span, coefficients);
      } else if (rows !== undefined) {
        this.#tableMoments(name, shape[0]!, rows.width).update(data, rows, coefficients);
      }
    }
  }

  /** `exp_avg.<name>` and `exp_avg_sq.<name>`; of tables only the rows that `rows.<name>` lists. */
  state(): ReadonlyMap<string, RawTensor> {
    const state = new Map<string, RawTensor>();
    const add = (name: string, { first, second }: Moments, shape: readonly number[]) => {
      state.set(`exp_avg.${name}`, tensorOf(first, shape));
      state.set(`exp_avg_sq.${name}`, tensorOf(second, shape));
    };
    for (const { name, shape } of this.#specs) {
      const dense = this.#dense.get(name);
      const table = this.#tables.get(name)?.state;
      if (dense !== undefined) add(name, dense, shape);
      if (table === undefined) continue;
      state.set(`rows.${name}`, tensorOf(table.rows, [table.rows.length]));
      add(name, table, [table.rows.length, ...shape.slice(1)]);
    }
    return state;
  }

  restore(state: ReadonlyMap<string, RawTensor>, steps: number): void {
    this.#steps = steps;
    for (const { name, shape } of this.#specs) {
      const listed = state.get(`rows.${name}`);
      if (!state.has(`exp_avg.${name}`)) continue;
      const rows = listed && integersOf(listed, `rows.${name}`);
      const width = sizeOf(shape.slice(1));
      const length = rows ? rows.length * width : sizeOf(shape);
      const read = (prefix: string) =>
        floatsOf(state.get(`${prefix}.${name}`), `${prefix}.${name}`, length);
      const moments = { first: read("exp_avg"), second: read("exp_avg_sq") };
      if (rows) this.#tableMoments(name, shape[0]!, width).restore({ rows, ...moments });
      else this.#dense.set(name, moments);
    }
  }

  #coefficients({ learningRate, gradientScale }: StepRates, decays: boolean): AdamCoefficients {
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

  #tableMoments(name: string, rows: number, width: number): TableMoments {
    let moments = this.#tables.get(name);
    if (moments === undefined) {
      moments = new TableMoments(rows, width);
      const whole = this.#dense.get(name); // restored from a device, which keeps all rows
      if (whole !== undefined) moments.restoreWhole(whole);
      this.#dense.delete(name);
      this.#tables.set(name, moments);
    }
    return moments;
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
