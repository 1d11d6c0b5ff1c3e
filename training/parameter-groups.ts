import { input, sizeOf, type Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import type { ParameterSpec } from "../models/parameters.ts";
import type { GraphRule, NamedValues } from "./optimizers/graph-rule.ts";
import { layerRates } from "./optimizers/layer-rates.ts";
import type { TrainingArguments } from "./training-arguments.ts";

/** Scalars of a step that parameters share. */
export interface ParameterRates {
  readonly numbers: NamedValues;
  readonly rate: Value;
  /** The parameter times this is added to its gradient. */
  readonly gradientDecay: number;
  /** What the weights are multiplied by, where they decay. */
  readonly keep: Value | undefined;
}

/** Parameters that a graph changes as one tensor. */
export interface ParameterGroup {
  readonly specs: readonly ParameterSpec[];
  readonly rates: ParameterRates;
}

/**
 * Biases and weights of norms of equal rates are changed as one, where the rule allows it: a device takes longer to
 * begin an operation than to do it on so few elements. Parameters of more axes are alone.
 */
export function groupParameters(
  specs: readonly ParameterSpec[],
  { isElementwise }: GraphRule,
  ratesOf: (spec: ParameterSpec) => ParameterRates,
): ParameterGroup[] {
  const groups: ParameterGroup[] = [];
  const vectors = new Map<ParameterRates, ParameterSpec[]>();
  for (const spec of specs) {
    const rates = ratesOf(spec);
    const known = vectors.get(rates);
    const isVector = isElementwise && spec.shape.length === 1;
    if (isVector && known !== undefined) known.push(spec);
    else {
      const group = [spec];
      groups.push({ specs: group, rates });
      if (isVector) vectors.set(rates, group);
    }
  }
  return groups;
}

/** Tensors of the parameters of a group as one: the only one, or vectors one after the other. */
export function joined(values: readonly Value[]): Value {
  return values.length === 1 ? values[0]! : ops.concat(values, 0);
}

/** The tensors of which one was joined. */
export function parted(value: Value, specs: readonly ParameterSpec[]): Value[] {
  const sizes = specs.map(({ shape }) => sizeOf(shape));
  return sizes.length === 1 ? [value] : cut(value, sizes);
}

/** What a kernel of WebGPU can write to: 8 buffers on every adapter, less the one that it reads. */
const MOST_RESULTS = 7;

function cut(value: Value, sizes: readonly number[]): Value[] {
  if (sizes.length <= MOST_RESULTS) return ops.split(value, sizes, 0);
  let each = MOST_RESULTS;
  while (each * MOST_RESULTS < sizes.length) each *= MOST_RESULTS;
  const pieces: (readonly number[])[] = [];
  for (let at = 0; at < sizes.length; at += each) pieces.push(sizes.slice(at, at + each));
  const totals = pieces.map((piece) => piece.reduce((sum, size) => sum + size, 0));
  return ops.split(value, totals, 0).flatMap((part, i) => cut(part, pieces[i]!));
}

/** The scalars of each of these parameters: the same ones for those of one rate and decay. */
export function stepRates(
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
