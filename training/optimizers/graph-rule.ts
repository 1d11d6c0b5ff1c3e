import type { Shape, Value } from "../../compute/graph.ts";

/** Values of a graph by name: an optimizer's memory of a parameter, or scalars of a step. */
export type NamedValues = Readonly<Record<string, Value>>;

/**
 * How an optimizer changes parameters inside a graph, in optax's words chain(change, addDecayedWeights, scale by `rate`):
 * a parameter becomes itself, less its decay, less `rate` times the change. Equal to the optimizer on the host but for
 * rounding, with memory of the same names.
 */
export interface GraphRule {
  /** The shapes of its memory for a parameter of this shape, by name; zeros before the first step. */
  slots(shape: Shape): Readonly<Record<string, Shape>>;
  /** What it reads of the step with this number (from 1), beside the learning rate. */
  numbers(step: number): Readonly<Record<string, number>>;
  /** Whether weight decay is part of the gradient; else it is taken from the weights. */
  readonly decaysGradient: boolean;
  /** Whether an element changes by its own gradient and memory alone, wherever it lies. */
  readonly isElementwise: boolean;
  /** A scalar, of the learning rate of a parameter. */
  rate(learningRate: Value, numbers: NamedValues): Value;
  /** `gradient` is already clipped. Returns new values for the memory. */
  change(
    gradient: Value,
    slots: NamedValues,
    numbers: NamedValues,
  ): { readonly change: Value; readonly slots: NamedValues };
}
