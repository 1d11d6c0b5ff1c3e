import { makeValue, type Shape, topologicalOrder, type Value } from "./graph.ts";
import { slice } from "./ops/layout.ts";

/** A part of a value: from `start` to `end` on one axis. */
interface Part {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

/** For a part on `axis` of a node: the axis of each input on which that part is enough; -1 for all of it. */
type AxisRule = (node: Value, axis: number) => readonly number[] | undefined;

/**
 * The same values, computed only where something reads them: when every reader of a node reads one and
 * the same slice, only that slice is computed. A classifier that reads the first token so spares most of
 * the last layer. Each element is computed from the same elements as before.
 */
export function pushDownSlices(roots: readonly Value[]): Value[] {
  const order = topologicalOrder(roots);
  const parts = partsRead(order, new Set(roots));
  const done = new Map<Value, Value>();
  for (const node of order) {
    const part = parts.get(node);
    done.set(node, part === undefined ? rebuildWhole(node) : rebuildPart(node, part));
  }
  return roots.map((root) => done.get(root)!);

  function rebuildWhole(node: Value): Value {
    const own = partOf(node);
    const [x] = node.inputs;
    if (own !== undefined && parts.has(x!)) return done.get(x!)!;
    return withInputs(
      node,
      node.inputs.map((read) => done.get(read)!),
      node.shape,
    );
  }

  function rebuildPart(node: Value, part: Part): Value {
    const axes = axisRules[node.op]!(node, part.axis)!;
    const inputs = node.inputs.map((read, i) => {
      const whole = done.get(read)!;
      if (axes[i] === -1 || parts.has(read)) return whole;
      return slice(whole, { axes: [axes[i]!], starts: [part.start], ends: [part.end] });
    });
    return withInputs(node, inputs, node.shape.with(part.axis, part.end - part.start));
  }
}

/** The nodes of which only a part is read, with that part. */
function partsRead(order: readonly Value[], roots: ReadonlySet<Value>): Map<Value, Part> {
  const read = new Map<Value, Part | "all">();
  const demand = (value: Value, part: Part | "all") => {
    const before = read.get(value);
    const same = before === undefined || JSON.stringify(before) === JSON.stringify(part);
    read.set(value, same ? part : "all");
  };
  for (const root of roots) demand(root, "all");
  for (const node of [...order].reverse()) {
    const wanted = read.get(node)!;
    const axes = wanted === "all" ? undefined : axisRules[node.op]?.(node, wanted.axis);
    if (axes === undefined) read.set(node, "all");
    for (const [i, value] of node.inputs.entries()) {
      const own = axes === undefined ? partOf(node) : undefined;
      if (axes === undefined) demand(value, own ?? "all");
      else demand(value, axes[i] === -1 ? "all" : { ...(wanted as Part), axis: axes[i]! });
    }
  }
  return new Map([...read].filter((entry): entry is [Value, Part] => entry[1] !== "all"));
}

function partOf({ op, attributes }: Value): Part | undefined {
  if (op !== "Slice") return undefined;
  const { axes, starts, ends } = attributes as Record<string, readonly number[]>;
  return axes!.length === 1 ? { axis: axes![0]!, start: starts![0]!, end: ends![0]! } : undefined;
}

function withInputs(node: Value, inputs: readonly Value[], shape: Shape): Value {
  if (shape === node.shape && inputs.every((read, i) => read === node.inputs[i])) return node;
  const attributes = "shape" in node.attributes ? { ...node.attributes, shape } : node.attributes;
  return makeValue(node.op, inputs, attributes, shape, node.dtype);
}

/** Operands broadcast: a part of the result needs the same part of each operand that is not repeated. */
const broadcast: AxisRule = (node, axis) =>
  node.inputs.map((operand) => {
    const own = axis - node.shape.length + operand.shape.length;
    return own < 0 || operand.shape[own] !== node.shape[axis] ? -1 : own;
  });

/** Rows are computed one by one from the first input; the others are read whole. */
const rowwise: AxisRule = (node, axis) =>
  axis === node.shape.length - 1 ? undefined : node.inputs.map((_, i) => (i === 0 ? axis : -1));

const axisRules: Readonly<Record<string, AxisRule>> = {
  ...Object.fromEntries(
    "Add Sub Mul Div Neg Sqrt Exp Log Erf Tanh Relu Sigmoid Reciprocal Greater Cast Where Gelu Dropout"
      .split(" ")
      .map((op) => [op, broadcast]),
  ),
  Linear: rowwise,
  LayerNormalization: rowwise,
  RMSNormalization: rowwise,
  Softmax: rowwise,
  LogSoftmax: rowwise,
  Transpose: ({ attributes }, axis) => [(attributes.perm as readonly number[])[axis]!],
  Reshape: ({ inputs: [x], shape }, axis) =>
    shape.slice(0, axis + 1).every((size, i) => size === x!.shape[i]) ? [axis] : undefined,
  /** A row of the result needs its own query, and its own row of the masks. */
  Attention: (node, axis) => {
    if (axis !== 2) return undefined;
    const masks = node.inputs.slice(3).map((mask) => {
      const own = axis - node.shape.length + mask.shape.length;
      return own < 0 || mask.shape[own] !== node.shape[2] ? -1 : own;
    });
    return [2, -1, -1, ...masks];
  },
};
