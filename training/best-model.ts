import { type Parameter, type Parameters, parameter } from "../models/parameters.ts";
import type { TrainingArguments } from "./training-arguments.ts";
import { TrainingError } from "./training-error.ts";

/** Remembers the best evaluation of a training, and its parameters where they are asked for. */
export class BestModel {
  best: { readonly step: number; readonly value: number } | undefined;
  parameters: Parameters | undefined;
  readonly #given: TrainingArguments;

  constructor(given: TrainingArguments) {
    this.#given = given;
  }

  /** Compares an evaluation with the best so far; the earlier of two equal ones stays the best. */
  offer(step: number, metrics: Readonly<Record<string, unknown>>, parameters: Parameters): void {
    const { metric_for_best_model, load_best_model_at_end } = this.#given;
    const value = metrics[metric_for_best_model.replace(/^eval_/, "")];
    if (typeof value !== "number")
      throw new TrainingError(
        "argument-invalid",
        `metric_for_best_model is "${metric_for_best_model}"; expected one of ${numeric(metrics)}.`,
      );
    if (this.best !== undefined && !this.#isBetter(value, this.best.value)) return;
    this.best = { step, value };
    if (load_best_model_at_end) this.parameters = copyParameters(parameters);
  }

  #isBetter(value: number, best: number): boolean {
    const { metric_for_best_model, greater_is_better } = this.#given;
    const prefersGreater = greater_is_better ?? !metric_for_best_model.endsWith("loss");
    return prefersGreater ? value > best : value < best;
  }
}

/** Parameters of the same values in memory of their own. */
export function copyParameters(parameters: Parameters): Parameters {
  const copied = new Map<string, Parameter>();
  for (const [name, { shape, data }] of parameters)
    copied.set(name, parameter(shape, data.slice()));
  return copied;
}

function numeric(metrics: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(metrics).filter((name) => typeof metrics[name] === "number");
  return names.join(", ");
}
