import { type Shape, sizeOf } from "../../compute/graph.ts";
import type { ParameterSpec, Parameters } from "../../models/parameters.ts";
import type { RawTensor } from "../../models/safetensors.ts";
import type { GradientSum } from "../gradient-sum.ts";
import { floatsOf, tensorOf } from "../tensor-bytes.ts";
import type { Optimizer, StepRates } from "./optimizer.ts";

/** Memory of an optimizer for one parameter, by name; zeros before the first step. */
export type Slots = Readonly<Record<string, Float32Array>>;

/** The numbers of one step for one parameter. */
export interface RuleRates {
  /** Of this parameter; float32. */
  readonly learningRate: number;
  /** 0 for parameters that do not decay. */
  readonly weightDecay: number;
  /** The number of the step, from 1. */
  readonly step: number;
}

/** How an optimizer changes a parameter, given its gradient (already clipped). */
export interface UpdateRule {
  /** The shapes of its memory for a parameter of this shape. */
  slots(shape: Shape): Readonly<Record<string, Shape>>;
  update(
    parameter: { readonly data: Float32Array; readonly shape: Shape },
    gradient: Float32Array,
    slots: Slots,
    rates: RuleRates,
  ): void;
}

/**
 * An optimizer that applies one rule to every parameter with a gradient, in place on the host. Gradients of
 * embedding tables are made whole first: rules with a momentum move rows without a gradient, too.
 */
export class RuleOptimizer implements Optimizer {
  #steps = 0;
  readonly #specs: readonly ParameterSpec[];
  readonly #rule: UpdateRule;
  readonly #weightDecay: number;
  readonly #rateScale: (name: string) => number;
  readonly #slots = new Map<string, Slots>();

  constructor(
    specs: readonly ParameterSpec[],
    rule: UpdateRule,
    { weight_decay, rateScale }: { weight_decay: number; rateScale: (name: string) => number },
  ) {
    this.#specs = specs;
    this.#rule = rule;
    this.#weightDecay = weight_decay;
    this.#rateScale = rateScale;
  }

  step(parameters: Parameters, gradients: GradientSum, rates: StepRates): void {
    this.#steps += 1;
    for (const { name, shape, decays } of this.#specs) {
      const gradient = wholeGradient(name, gradients, sizeOf(shape));
      if (gradient === undefined) continue;
      if (rates.gradientScale !== 1)
        for (let i = 0; i < gradient.length; i++) gradient[i]! *= rates.gradientScale;
      this.#rule.update(parameters.get(name)!, gradient, this.#slotsOf(name, shape), {
        learningRate: Math.fround(rates.learningRate * this.#rateScale(name)),
        weightDecay: decays ? this.#weightDecay : 0,
        step: this.#steps,
      });
    }
  }

  /** `<slot>.<parameter>` for each slot. */
  state(): ReadonlyMap<string, RawTensor> {
    const state = new Map<string, RawTensor>();
    for (const { name, shape } of this.#specs)
      for (const [slot, data] of Object.entries(this.#slots.get(name) ?? {}))
        state.set(`${slot}.${name}`, tensorOf(data.slice(), this.#rule.slots(shape)[slot]!));
    return state;
  }

  restore(state: ReadonlyMap<string, RawTensor>, steps: number): void {
    this.#steps = steps;
    for (const { name, shape } of this.#specs)
      for (const [slot, slotShape] of Object.entries(this.#rule.slots(shape))) {
        const key = `${slot}.${name}`;
        if (!state.has(key)) continue;
        this.#slotsOf(name, shape)[slot]!.set(floatsOf(state.get(key), key, sizeOf(slotShape)));
      }
  }

  #slotsOf(name: string, shape: Shape): Slots {
    let slots = this.#slots.get(name);
    if (slots === undefined) {
      const shapes = Object.entries(this.#rule.slots(shape));
      slots = Object.fromEntries(shapes.map(([slot, of]) => [slot, new Float32Array(sizeOf(of))]));
      this.#slots.set(name, slots);
    }
    return slots;
  }
}

function wholeGradient(
  name: string,
  { dense, tables }: GradientSum,
  length: number,
): Float32Array | undefined {
  const rows = tables.get(name);
  if (rows === undefined) return dense.get(name);
  const whole = new Float32Array(length);
  rows.addTo(whole);
  return whole;
}
