import { compositeGradients } from "./gradients/composite.ts";
import { elementwiseGradients } from "./gradients/elementwise.ts";
import { layoutGradients } from "./gradients/layout.ts";
import { linearAlgebraGradients } from "./gradients/linear-algebra.ts";
import type { GradientRules } from "./gradients/rule.ts";
import { constant, ShapeError, show, topologicalOrder, type Value } from "./graph.ts";
import { add } from "./ops/elementwise.ts";

/** The gradient rule of each differentiable operation. */
export const gradientRules: GradientRules = {
  ...elementwiseGradients,
  ...linearAlgebraGradients,
  ...layoutGradients,
  ...compositeGradients,
};

/**
 * The gradient of a scalar with respect to each of these values, in their order and of their shapes;
 * zeros where the scalar does not depend on one. Reverse mode: the result is a graph, to be compiled with
 * the scalar. Throws ShapeError when `of` is no scalar, and for an operation without a gradient.
 */
export function gradients(of: Value, withRespectTo: readonly Value[]): Value[] {
  if (of.shape.length > 0 || of.dtype !== "float32")
    throw new ShapeError(`gradients: needs a float32 scalar, got ${of.dtype} ${show(of.shape)}.`);
  const order = topologicalOrder([of]);
  const active = dependents(order, new Set(withRespectTo));
  const found = new Map<Value, (Value | undefined)[]>([[of, [constant(1)]]]);
  for (const node of order.reverse()) {
    const all = found.get(node);
    if (all === undefined || !active.has(node)) continue;
    for (const [i, gradient] of gradientsOfInputs(node, all).entries()) {
      const read = node.inputs[i]!;
      if (gradient !== undefined && active.has(read)) accumulate(found, read, 0, gradient);
    }
    if (node.op === "Result") {
      const index = node.attributes.index as number;
      accumulate(found, node.inputs[0]!, index, all[0]!);
    }
  }
  return withRespectTo.map((value) => found.get(value)?.[0] ?? constant(0, value.shape));
}

function gradientsOfInputs(
  node: Value,
  all: readonly (Value | undefined)[],
): readonly (Value | undefined)[] {
  if (node.inputs.length === 0 || node.op === "Result") return [];
  const rule = gradientRules[node.op];
  if (rule === undefined) throw new ShapeError(`gradients: ${node.op} has no gradient.`);
  if (node.op !== "Split" && all.slice(1).some((g) => g !== undefined))
    throw new ShapeError(`gradients: the statistics of ${node.op} have no gradient.`);
  return rule(node, all[0] ?? constant(0, node.shape), all);
}

function accumulate(
  found: Map<Value, (Value | undefined)[]>,
  value: Value,
  result: number,
  gradient: Value,
): void {
  const all = found.get(value) ?? [];
  const before = all[result];
  all[result] = before === undefined ? gradient : add(before, gradient);
  found.set(value, all);
}

/** The values of an order that are computed from any of the sources, themselves included. */
function dependents(order: readonly Value[], sources: ReadonlySet<Value>): Set<Value> {
  const active = new Set<Value>();
  for (const value of order)
    if (sources.has(value) || value.inputs.some((read) => active.has(read))) active.add(value);
  return active;
}
