import {
  type Graph,
  graphOf,
  input,
  nameOf,
  topologicalOrder,
  type Value,
} from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import type { Model } from "../models/model.ts";
import type { ParameterSpec } from "../models/parameters.ts";
import { createGraphRule } from "./optimizers/create-optimizer.ts";
import type { GraphRule, NamedValues } from "./optimizers/graph-rule.ts";
import { layerRates } from "./optimizers/layer-rates.ts";
import { sumOfSquares } from "./sum-of-squares.ts";
import type { TrainingArguments } from "./training-arguments.ts";
import type { TrainingGraph } from "./training-graph.ts";
import { type WholeGradients, wholeGradients } from "./whole-gradients.ts";

/** A graph whose state stays on the device. */
export interface DeviceGraph {
  readonly graph: Graph;
  /** Output name -> name of the held tensor that it replaces. */
  readonly next: ReadonlyMap<string, string>;
}

const [SUM, AVERAGE] = ["sum.", "average."] as const;
/** The name under which the moving average of a parameter is held. */
export const averageName = (parameter: string) => `${AVERAGE}${parameter}`;
/** The name under which an optimizer's memory of a parameter is held: that which checkpoints have. */
export const slotName = (slot: string, parameter: string) => `${slot}.${parameter}`;

/** Adds a batch's gradients to held sums, or puts them in their place where `keeps_sums` is 0. Returns its loss. */
export function sumGraph(training: TrainingGraph, model: Model): DeviceGraph {
  const { loss, gradients } = wholeGradients(training, model.parameters);
  // Chosen, not multiplied: sums that overflowed are no numbers.
  const keeps = ops.greater(input("keeps_sums", []), 0);
  const sums = [...gradients].map(([name, gradient]) => {
    const sum = ops.where(keeps, input(`${SUM}${name}`, gradient.shape), 0);
    return [`${SUM}${name}`, ops.add(sum, gradient)] as const;
  });
  return replacing(new Map(sums), { loss });
}

/**
 * One step of the optimizer on a batch's gradients, to which held sums are added where `adds`: clipping, the
 * optimizer's memory, the weights and their moving average. Returns the batch's `loss` and the `gradient_norm` before
 * clipping; where that is not finite, what it replaced is of no use.
 */
export function updateGraph(
  training: TrainingGraph,
  {
    model,
    given,
    adds,
  }: {
    model: Pick<Model, "parameters">;
    given: TrainingArguments;
    adds: boolean;
  },
): DeviceGraph {
  const { loss, gradients: own } = wholeGradients(training, model.parameters);
  const gradients = adds ? withSums(own) : own;
  const inputs = inputsOf([loss, ...own.values()]);
  const { norm, scale } = clipping([...gradients.values()], inputs.get("loss_scale"), given);
  const rule = createGraphRule(given);
  const trained = model.parameters.filter(({ frozen }) => !frozen);
  const ratesOf = stepRates(rule, trained, given);
  const share = input("average_share", []);
  const next = new Map<string, Value>();
  for (const spec of trained) {
    const { name } = spec;
    const gradient = gradients.get(name);
    if (gradient === undefined) continue;
    const before = inputs.get(name)!;
    const scaled = scale === undefined ? gradient : ops.mul(gradient, scale);
    const { after, slots } = changed({ before, gradient: scaled, spec }, rule, ratesOf(spec));
    next.set(name, after);
    for (const [slot, value] of Object.entries(slots)) next.set(slotName(slot, name), value);
    if (given.ema_decay === undefined) continue;
    const average = input(averageName(name), before.shape);
    const moved = ops.mul(ops.sub(after, average), share);
    next.set(averageName(name), ops.add(average, moved));
  }
  return replacing(next, { loss, gradient_norm: norm });
}

/** Scalars of a step for one parameter. */
interface ParameterRates {
  readonly numbers: NamedValues;
  readonly rate: Value;
  /** The parameter times this is added to its gradient. */
  readonly gradientDecay: number;
  /** What the weights are multiplied by, where they decay. */
  readonly keep: Value | undefined;
}

/** Parameters of one rate and decay share their scalars: each is an operation of its own. */
function stepRates(
  rule: GraphRule,
  specs: readonly ParameterSpec[],
  { weight_decay, layerwise_lr_decay }: TrainingArguments,
): (spec: ParameterSpec) => ParameterRates {
  const learningRate = input("learning_rate", []);
  const names = Object.keys(rule.numbers(1));
  const numbers = Object.fromEntries(names.map((name) => [name, input(name, [])]));
  const scaleOf = layerRates(specs, layerwise_lr_decay);
  const made = new Map<string, ParameterRates>();
  return ({ name, decays }) => {
    const [scale, decay] = [scaleOf(name), decays ? weight_decay : 0];
    const key = `${scale} ${decay}`;
    let rates = made.get(key);
    if (rates === undefined) {
      const own = scale === 1 ? learningRate : ops.mul(learningRate, scale);
      const ofWeights = rule.decaysGradient ? 0 : decay;
      const keep = ofWeights === 0 ? undefined : ops.sub(1, ops.mul(own, ofWeights));
      rates = { numbers, rate: rule.rate(own, numbers), gradientDecay: decay - ofWeights, keep };
      made.set(key, rates);
    }
    return rates;
  };
}

/** A parameter after the step, and the optimizer's memory of it. */
function changed(
  { before, gradient, spec }: { before: Value; gradient: Value; spec: ParameterSpec },
  rule: GraphRule,
  { numbers, rate, gradientDecay, keep }: ParameterRates,
): { readonly after: Value; readonly slots: NamedValues } {
  const memory = Object.entries(rule.slots(before.shape)).map(
    ([slot, shape]) => [slot, input(slotName(slot, spec.name), shape)] as const,
  );
  const whole = gradientDecay === 0 ? gradient : ops.add(gradient, ops.mul(before, gradientDecay));
  const { change, slots } = rule.change(whole, Object.fromEntries(memory), numbers);
  const kept = keep === undefined ? before : ops.mul(before, keep);
  return { after: ops.sub(kept, ops.mul(change, rate)), slots };
}

function inputsOf(values: readonly Value[]): ReadonlyMap<string, Value> {
  const inputs = topologicalOrder(values).filter(({ op }) => op === "Input");
  return new Map(inputs.map((value) => [nameOf(value), value]));
}

function withSums(gradients: WholeGradients["gradients"]): ReadonlyMap<string, Value> {
  return new Map(
    [...gradients].map(([name, gradient]) => {
      const sum = input(`${SUM}${name}`, gradient.shape);
      return [name, ops.add(sum, gradient)] as const;
    }),
  );
}

/** The norm of gradients that the scale of the loss multiplied, and what they are multiplied by; undefined for 1. */
function clipping(
  gradients: readonly Value[],
  lossScale: Value | undefined,
  { max_grad_norm }: TrainingArguments,
): { readonly norm: Value; readonly scale: Value | undefined } {
  const scaled = ops.sqrt(sumInPairs(gradients.map(sumOfSquares)));
  const norm = lossScale === undefined ? scaled : ops.div(scaled, lossScale);
  const clip = clipOf(norm, max_grad_norm);
  if (lossScale === undefined) return { norm, scale: clip };
  return { norm, scale: ops.div(clip ?? 1, lossScale) };
}

/** As torch.nn.utils.clip_grad_norm_: min(1, most / (norm + 1e-6)); undefined for 0, no limit. */
function clipOf(norm: Value, most: number): Value | undefined {
  if (most <= 0) return undefined;
  const ratio = ops.div(most, ops.add(norm, 1e-6));
  return ops.where(ops.greater(ratio, 1), 1, ratio);
}

function sumInPairs(values: readonly Value[]): Value {
  if (values.length === 1) return values[0]!;
  const half = Math.ceil(values.length / 2);
  return ops.add(sumInPairs(values.slice(0, half)), sumInPairs(values.slice(half)));
}

function replacing(
  next: ReadonlyMap<string, Value>,
  returned: Readonly<Record<string, Value>>,
): DeviceGraph {
  const named = [...next].map(([held, value]) => [`next.${held}`, value] as const);
  return {
    graph: graphOf({ ...returned, ...Object.fromEntries(named) }),
    next: new Map([...next.keys()].map((held) => [`next.${held}`, held])),
  };
}
