import {
  type Graph,
  graphOf,
  input,
  nameOf,
  sizeOf,
  topologicalOrder,
  type Value,
} from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import type { Model } from "../models/model.ts";
import type { ParameterSpec } from "../models/parameters.ts";
import { layerRates } from "./optimizers/layer-rates.ts";
import type { TrainingArguments } from "./training-arguments.ts";
import type { TrainingGraph } from "./training-graph.ts";
import { type WholeGradients, wholeGradients } from "./whole-gradients.ts";

/** A graph whose state stays on the device. */
export interface DeviceGraph {
  readonly graph: Graph;
  /** Output name -> name of the held tensor that it replaces. */
  readonly next: ReadonlyMap<string, string>;
}

const [SUM, AVERAGE, FIRST, SECOND] = ["sum.", "average.", "exp_avg.", "exp_avg_sq."] as const;
/** The name under which the moving average of a parameter is held. */
export const averageName = (parameter: string) => `${AVERAGE}${parameter}`;
/** Whether a held tensor belongs to the optimizer: its name is then the one that checkpoints have. */
export const isMoment = (held: string) => held.startsWith(FIRST) || held.startsWith(SECOND);

/** Adds a batch's gradients to held sums, which `keep_sums` (0 or 1) multiplies first. Returns its loss. */
export function sumGraph(training: TrainingGraph, model: Model): DeviceGraph {
  const { loss, gradients } = wholeGradients(training, model.parameters);
  const keep = input("keep_sums", []);
  const sums = [...gradients].map(([name, gradient]) => {
    const sum = ops.mul(input(`${SUM}${name}`, gradient.shape), keep);
    return [`${SUM}${name}`, ops.add(sum, gradient)] as const;
  });
  return replacing(new Map(sums), { loss });
}

/**
 * One step of AdamW on a batch's gradients, to which held sums are added where `adds`: clipping, the moments, the
 * weights and their moving average. Returns the batch's `loss` and the `gradient_norm` before clipping.
 */
export function updateGraph(
  training: TrainingGraph,
  { model, given, adds }: { model: Model; given: TrainingArguments; adds: boolean },
): DeviceGraph {
  const { loss, gradients: own } = wholeGradients(training, model.parameters);
  const gradients = adds ? withSums(own) : own;
  const norm = normOf([...gradients.values()]);
  const clip = clipOf(norm, given.max_grad_norm);
  const ratesOf = stepRates(given, layerRates(model.parameters, given.layerwise_lr_decay));
  const share = input("average_share", []);
  const weights = inputsOf([loss, ...own.values()]);
  const next = new Map<string, Value>();
  for (const spec of model.parameters) {
    const { name } = spec;
    const gradient = gradients.get(name);
    if (gradient === undefined) continue;
    const clipped = clip === undefined ? gradient : ops.mul(gradient, clip);
    const before = weights.get(name)!;
    const { first, second, change } = adamChange(name, clipped, given, ratesOf(spec));
    const { keep } = ratesOf(spec);
    const after = ops.sub(keep === undefined ? before : ops.mul(before, keep), change);
    next.set(name, after).set(`${FIRST}${name}`, first).set(`${SECOND}${name}`, second);
    if (given.ema_decay === undefined) continue;
    const average = input(averageName(name), before.shape);
    const moved = ops.mul(ops.sub(after, average), share);
    next.set(averageName(name), ops.add(average, moved));
  }
  return replacing(next, { loss, gradient_norm: norm });
}

/** Scalars of a step for one parameter. */
interface StepRates {
  /** learning rate / (1 - beta1^step) */
  readonly stepSize: Value;
  /** 1 / √(1 - beta2^step) */
  readonly secondScale: Value;
  /** What the weights are multiplied by, where they decay. */
  readonly keep: Value | undefined;
}

/** Parameters of one rate and decay share their scalars: each is an operation of its own. */
function stepRates(
  { weight_decay }: TrainingArguments,
  scaleOf: (name: string) => number,
): (spec: ParameterSpec) => StepRates {
  const [learningRate, firstScale, secondScale] = [
    "learning_rate",
    "first_scale",
    "second_scale",
  ].map((name) => input(name, [])) as [Value, Value, Value];
  const made = new Map<string, StepRates>();
  return ({ name, decays }) => {
    const scale = scaleOf(name);
    const key = `${scale} ${decays}`;
    let rates = made.get(key);
    if (rates === undefined) {
      const rate = scale === 1 ? learningRate : ops.mul(learningRate, scale);
      const decay = decays ? weight_decay : 0;
      const keep = decay === 0 ? undefined : ops.sub(1, ops.mul(rate, decay));
      rates = { stepSize: ops.mul(rate, firstScale), secondScale, keep };
      made.set(key, rates);
    }
    return rates;
  };
}

/** torch.optim.AdamW, as adam-update.ts has it: the new moments, and what the weights are lessened by. */
function adamChange(
  name: string,
  gradient: Value,
  { adam_beta1, adam_beta2, adam_epsilon }: TrainingArguments,
  { stepSize, secondScale }: StepRates,
) {
  const held = (prefix: string) => input(`${prefix}${name}`, gradient.shape);
  const blend = (before: Value, beta: number, now: Value) =>
    ops.add(ops.mul(before, beta), ops.mul(now, 1 - beta));
  const first = blend(held(FIRST), adam_beta1, gradient);
  const second = blend(held(SECOND), adam_beta2, ops.mul(gradient, gradient));
  const size = ops.add(ops.mul(ops.sqrt(second), secondScale), adam_epsilon);
  return { first, second, change: ops.mul(ops.div(first, size), stepSize) };
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

/** As torch.nn.utils.clip_grad_norm_: min(1, most / (norm + 1e-6)); undefined for 0, no limit. */
function clipOf(norm: Value, most: number): Value | undefined {
  if (most <= 0) return undefined;
  const ratio = ops.div(most, ops.add(norm, 1e-6));
  return ops.where(ops.greater(ratio, 1), 1, ratio);
}

/** The Euclidean norm over all gradients: rows first, so that no sum is long, and none by one thread alone. */
function normOf(gradients: readonly Value[]): Value {
  const sums = gradients.map((gradient) => {
    const width = gradient.shape.at(-1) ?? 1;
    const rows = ops.reshape(gradient, [sizeOf(gradient.shape) / width, width]);
    return ops.reduceSum(ops.reduceSum(ops.mul(rows, rows), [1]), [0]);
  });
  return ops.sqrt(sumInPairs(sums));
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
