import {
  type Graph,
  graphOf,
  input,
  nameOf,
  type Shape,
  topologicalOrder,
  type Value,
} from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import type { Model } from "../models/model.ts";
import type { ParameterSpec } from "../models/parameters.ts";
import { createGraphRule } from "./optimizers/create-optimizer.ts";
import type { GraphRule } from "./optimizers/graph-rule.ts";
import {
  groupParameters,
  joined,
  type ParameterGroup,
  parted,
  stepRates,
} from "./parameter-groups.ts";
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

const AVERAGE = "average.";
/** The name under which the moving average of a parameter is held. */
export const averageName = (parameter: string) => `${AVERAGE}${parameter}`;
/** The name under which an optimizer's memory of a parameter is held: that which checkpoints have. */
export const slotName = (slot: string, parameter: string) => `${slot}.${parameter}`;

interface StepOptions {
  readonly model: Pick<Model, "parameters">;
  readonly given: TrainingArguments;
}

/** Adds a batch's gradients to held sums, or puts them in their place where `keeps_sums` is 0. Returns its loss. */
export function sumGraph(training: TrainingGraph, { model, given }: StepOptions): DeviceGraph {
  const { loss, gradients } = wholeGradients(training, model.parameters);
  // Chosen, not multiplied: sums that overflowed are no numbers.
  const keeps = ops.greater(input("keeps_sums", []), 0);
  const rule = createGraphRule(given);
  const sums = movingGroups({ gradients, model, given }, rule).map((group) => {
    const before = sumOf(group);
    const kept = ops.where(keeps, before, 0);
    return [nameOf(before), ops.add(kept, group.gradient)] as const;
  });
  return replacing(new Map(sums), { loss });
}

/**
 * One step of the optimizer on a batch's gradients, to which held sums of other batches are added where `adds`: clipping,
 * the optimizer's memory, the weights and their moving average. Returns the batch's `loss` and the `gradient_norm`
 * before clipping; where that is not finite, what it replaced is of no use.
 */
export function updateGraph(
  training: TrainingGraph,
  { model, given, adds }: StepOptions & { readonly adds: boolean },
): DeviceGraph {
  const { loss, gradients } = wholeGradients(training, model.parameters);
  const inputs = inputsOf([loss, ...gradients.values()]);
  const rule = createGraphRule(given);
  const groups = movingGroups({ gradients, model, given }, rule).map((group) => ({
    ...group,
    before: joined(group.specs.map(({ name }) => inputs.get(name)!)),
    gradient: adds ? ops.add(sumOf(group), group.gradient) : group.gradient,
  }));
  const all = groups.map(({ gradient }) => gradient);
  const { norm, scale } = clipping(all, inputs.get("loss_scale"), given);
  const share = given.ema_decay === undefined ? undefined : input("average_share", []);
  const next = new Map<string, Value>();
  for (const { gradient, ...group } of groups) {
    const scaled = scale === undefined ? gradient : ops.mul(gradient, scale);
    const moved = changed({ ...group, gradient: scaled }, rule, share);
    for (const [prefix, value] of moved)
      for (const [i, part] of parted(value, group.specs).entries())
        next.set(`${prefix}${group.specs[i]!.name}`, part);
  }
  return replacing(next, { loss, gradient_norm: norm });
}

interface MovingGroup extends ParameterGroup {
  readonly gradient: Value;
}

/** The parameters that have a gradient. */
function movingGroups(
  { gradients, model, given }: StepOptions & Pick<WholeGradients, "gradients">,
  rule: GraphRule,
): MovingGroup[] {
  const trained = model.parameters.filter(({ frozen }) => !frozen);
  const moving = trained.filter(({ name }) => gradients.has(name));
  return groupParameters(moving, rule, stepRates(rule, trained, given)).map((group) => ({
    ...group,
    gradient: joined(group.specs.map(({ name }) => gradients.get(name)!)),
  }));
}

/** What is held of a group's gradients in the batches before, under the name of its first parameter. */
function sumOf({ specs, gradient }: MovingGroup): Value {
  return input(`sum.${specs[0]!.name}`, gradient.shape);
}

/** What a group holds after the step, by what stands before a parameter's name in the names of held tensors. */
function changed(
  group: MovingGroup & { readonly before: Value },
  rule: GraphRule,
  averageShare: Value | undefined,
): ReadonlyMap<string, Value> {
  const { specs, before, gradient } = group;
  const { numbers, rate, gradientDecay, keep } = group.rates;
  const held = (prefix: string, shapeOf: (spec: ParameterSpec) => Shape) =>
    joined(specs.map((spec) => input(`${prefix}${spec.name}`, shapeOf(spec))));
  const memory = Object.keys(rule.slots(before.shape)).map(
    (slot) => [slot, held(slotName(slot, ""), ({ shape }) => rule.slots(shape)[slot]!)] as const,
  );
  const whole = gradientDecay === 0 ? gradient : ops.add(gradient, ops.mul(before, gradientDecay));
  const { change, slots } = rule.change(whole, Object.fromEntries(memory), numbers);
  const kept = keep === undefined ? before : ops.mul(before, keep);
  const after = ops.sub(kept, ops.mul(change, rate));
  const moved = new Map([["", after]]);
  for (const [slot, value] of Object.entries(slots)) moved.set(slotName(slot, ""), value);
  if (averageShare === undefined) return moved;
  const average = held(AVERAGE, ({ shape }) => shape);
  const step = ops.mul(ops.sub(after, average), averageShare);
  return moved.set(AVERAGE, ops.add(average, step));
}

function inputsOf(values: readonly Value[]): ReadonlyMap<string, Value> {
  const inputs = topologicalOrder(values).filter(({ op }) => op === "Input");
  return new Map(inputs.map((value) => [nameOf(value), value]));
}

/** The norm of gradients that the scale of the loss multiplied, and what they are multiplied by; undefined for 1. */
function clipping(
  gradients: readonly Value[],
  lossScale: Value | undefined,
  { max_grad_norm }: TrainingArguments,
): { readonly norm: Value; readonly scale: Value | undefined } {
  const scaled = ops.sqrt(sumOfSquares(gradients));
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
