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
 * Biases and weights of norms of equal rates and sizes are changed as one, where the rule allows it: a device takes
 * longer to begin an operation than to do it on so few elements. Parameters of more axes are alone.
 */
export function groupParameters(
  specs: readonly ParameterSpec[],
  { isElementwise }: GraphRule,
  ratesOf: (spec: ParameterSpec) => ParameterRates,
): ParameterGroup[] {
  const groups: ParameterGroup[] = [];
  const vectors = new Map<ParameterRates, Map<number, ParameterSpec[]>>();
  for (const spec of specs) {
    const rates = ratesOf(spec);
    const isVector = isElementwise && spec.shape.length === 1;
    const known = vectors.get(rates)?.get(spec.shape[0]!);
    if (isVector && known !== undefined) known.push(spec);
    else {
      const group = [spec];
      groups.push({ specs: group, rates });
      if (!isVector) continue;
      const bySize = vectors.get(rates) ?? new Map<number, ParameterSpec[]>();
      vectors.set(rates, bySize.set(spec.shape[0]!, group));
    }
  }
  return groups;
}

/**
 * Tensors of the parameters of a group as one: the only one, or vectors as the rows of a matrix. Were they one after
 * the other, CUDA would be sent in every run, for each element, which of them it belongs to.
 */
export function joined(values: readonly Value[]): Value {
  if (values.length === 1) return values[0]!;
  return ops.concat(
    values.map((value) => ops.reshape(value, [1, sizeOf(value.shape)])),
    0,
  );
}

/** The tensors of which one was joined. */
export function parted(value: Value, specs: readonly ParameterSpec[]): Value[] {
  if (specs.length === 1) return [value];
  return rowsOf(value).map((row, i) => ops.reshape(row, specs[i]!.shape));
}

/** What a kernel of WebGPU can write to: 8 buffers on every adapter, less the one that it reads. */
const MOST_RESULTS = 7;

function rowsOf(matrix: Value): Value[] {
  const count = matrix.shape[0]!;
  if (count <= MOST_RESULTS) return ops.split(matrix, Array(count).fill(1), 0);
  let each = MOST_RESULTS;
  while (each * MOST_RESULTS < count) each *= MOST_RESULTS;
  const sizes: number[] = [];
  for (let at = 0; at < count; at += each) sizes.push(Math.min(each, count - at));
  return ops.split(matrix, sizes, 0).flatMap(rowsOf);
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
