import { type Parameter, type Parameters, parameter } from "../models/parameters.ts";
import type { Metrics } from "./history.ts";
import type { TrainingArguments } from "./training-arguments.ts";
import { TrainingError } from "./training-error.ts";

/** Remembers the best evaluation of a training, its parameters where they are asked for, and how long none was better. */
export class BestModel {
  best: { readonly step: number; readonly value: number } | undefined;
  parameters: Parameters | undefined;
  /** Evaluations in a row that were not better than the best before them: transformers' EarlyStoppingCallback. */
  patienceCounter = 0;
  readonly #given: TrainingArguments;

  constructor(given: TrainingArguments) {
    this.#given = given;
  }

  /** Whether early stopping ends the training here. */
  get hasLostPatience(): boolean {
    const { early_stopping_patience: patience } = this.#given;
    return patience !== undefined && this.patienceCounter >= patience;
  }

  /**
   * Compares an evaluation with the best so far; the earlier of two equal ones stays the best. Without
   * parameters those of an earlier best one are dropped: `parameters` is then to be set.
   */
  offer(step: number, metrics: Metrics, parameters?: Parameters): void {
    const value = this.#valueOf(metrics);
    const gain = this.best === undefined ? Number.POSITIVE_INFINITY : this.#gain(value, this.best);
    this.patienceCounter =
      gain > this.#given.early_stopping_threshold ? 0 : this.patienceCounter + 1;
    if (!(gain > 0)) return;
    this.best = { step, value };
    const isKept = this.#given.load_best_model_at_end && parameters !== undefined;
    this.parameters = isKept ? copyParameters(parameters) : undefined;
  }

  #valueOf(metrics: Metrics): number {
    const { metric_for_best_model } = this.#given;
    const value = metrics[metric_for_best_model.replace(/^eval_/, "")];
    if (typeof value === "number") return value;
    const names = Object.keys(metrics).join(", ");
    throw new TrainingError(
      "argument-invalid",
      `metric_for_best_model is "${metric_for_best_model}"; expected one of ${names}.`,
    );
  }

  /** How much better a value is than the best; below 0 where it is worse. */
  #gain(value: number, best: { readonly value: number }): number {
    const { metric_for_best_model, greater_is_better } = this.#given;
    const isCost = /(loss|mse|mae|perplexity)$/.test(metric_for_best_model);
    const prefersGreater = greater_is_better ?? !isCost;
    return prefersGreater ? value - best.value : best.value - value;
  }
}

/** Parameters of the same values in memory of their own. */
export function copyParameters(parameters: Parameters): Parameters {
  const copied = new Map<string, Parameter>();
  for (const [name, { shape, data }] of parameters)
    copied.set(name, parameter(shape, data.slice()));
  return copied;
}
