import {
  type Graph,
  nameOf,
  type Shape,
  sizeOf,
  type TypedArray,
  type Value,
} from "../../compute/graph.ts";
import { erf } from "./error-function.ts";

/** A tensor in float64, whatever the type of its elements in the graph. */
export interface Array64 {
  readonly shape: Shape;
  readonly data: Float64Array;
}

type Rule = (node: Value, inputs: readonly Array64[]) => readonly Float64Array[] | Float64Array;

/**
 * Computes a graph in float64 with plain loops: slow, simple, and written apart from the lowering and
 * the gradients that it checks. Composites are computed from their definitions.
 */
export function interpret(
  graph: Graph,
  inputs: Readonly<Record<string, ArrayLike<number | bigint>>>,
): Record<string, Float64Array> {
  const results = new Map<Value, readonly Float64Array[]>();
  for (const node of graph.nodes) {
    const read = node.inputs.map((value) => ({
      shape: value.shape,
      data: results.get(value)![0]!,
    }));
    results.set(node, evaluate(node, read, inputs, results));
  }
  return Object.fromEntries(
    Array.from(graph.outputs, ([name, value]) => [name, results.get(value)![0]!]),
  );
}

function evaluate(
  node: Value,
  read: readonly Array64[],
  given: Readonly<Record<string, ArrayLike<number | bigint>>>,
  results: ReadonlyMap<Value, readonly Float64Array[]>,
): readonly Float64Array[] {
  if (node.op === "Input") return [float64(given[nameOf(node)]!)];
  if (node.op === "Constant") return [float64(node.attributes.data as TypedArray)];
  if (node.op === "Result")
    return [results.get(node.inputs[0]!)![node.attributes.index as number]!];
  const rule = interpreterRules[node.op];
  if (rule === undefined) throw new Error(`interpret: ${node.op} has no rule.`);
  const made = rule(node, read);
  return made instanceof Float64Array ? [made] : made;
}

function float64(data: ArrayLike<number | bigint>): Float64Array {
  return Float64Array.from(data as ArrayLike<number>, Number);
}

/** Every position of a shape, in row-major order. */
function positions(shape: Shape): number[][] {
  return Array.from({ length: sizeOf(shape) }, (_, flat) => {
    const position: number[] = [];
    for (const size of [...shape].reverse()) {
      position.unshift(flat % size);
      flat = Math.floor(flat / size);
    }
    return position;
  });
}

/** The element at a position; axes of size 1 and axes that are missing in front repeat. */
function at({ shape, data }: Array64, position: readonly number[]): number {
  const added = position.length - shape.length;
  return data[
    shape.reduce((flat, size, axis) => flat * size + (size === 1 ? 0 : position[axis + added]!), 0)
  ]!;
}

function fill(shape: Shape, element: (position: number[]) => number): Float64Array {
  return Float64Array.from(positions(shape), element);
}

const each =
  (f: (...operands: number[]) => number): Rule =>
  ({ shape }, inputs) =>
    fill(shape, (position) => f(...inputs.map((operand) => at(operand, position))));

const reduction =
  (f: (elements: number[]) => number): Rule =>
  (node, [x]) => {
    const axes = node.attributes.axes as readonly number[];
    const groups = new Map<string, number[]>();
    for (const position of positions(x!.shape)) {
      const key = position.filter((_, axis) => !axes.includes(axis)).join();
      groups.set(key, [...(groups.get(key) ?? []), at(x!, position)]);
    }
    return Float64Array.from(groups.values(), f);
  };

/** Applies a function to each row along the last axis. */
function rows({ shape, data }: Array64, f: (row: Float64Array) => ArrayLike<number>): Float64Array {
  const width = shape.at(-1)!;
  const all = new Float64Array(data.length);
  for (let i = 0; i < data.length; i += width) all.set(f(data.subarray(i, i + width)), i);
  return all;
}

function softmaxOf(row: Float64Array): Float64Array {
  const largest = Math.max(...row);
  const powers = row.map((x) => Math.exp(x - largest));
  return powers.map((power) => power / sum(powers));
}

function sum(elements: ArrayLike<number>): number {
  return Array.from(elements).reduce((total, x) => total + x, 0);
}

function geluOf(x: number, approximate: unknown): number {
  return approximate === "tanh"
    ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
    : 0.5 * x * (1 + erf(x / Math.SQRT2));
}

function matrixProduct(shape: Shape, a: Array64, b: Array64): Float64Array {
  const inner = a.shape.at(-1)!;
  return fill(shape, (position) => {
    const [batch, i, j] = [position.slice(0, -2), position.at(-2)!, position.at(-1)!];
    let total = 0;
    for (let k = 0; k < inner; k++) total += at(a, [...batch, i, k]) * at(b, [...batch, k, j]);
    return total;
  });
}

function transposed(x: Array64): Array64 {
  const shape = [...x.shape.slice(0, -2), x.shape.at(-1)!, x.shape.at(-2)!];
  const data = fill(shape, (p) => at(x, [...p.slice(0, -2), p.at(-1)!, p.at(-2)!]));
  return { shape, data };
}

/** The rule of each operation; its keys are the operations that tests must cover. */
export const interpreterRules: Readonly<Record<string, Rule>> = {
  Add: each((a, b) => a + b),
  Sub: each((a, b) => a - b),
  Mul: each((a, b) => a * b),
  Div: each((a, b) => a / b),
  Equal: each((a, b) => Number(a === b)),
  Greater: each((a, b) => Number(a > b)),
  Where: each((condition, a, b) => (condition ? a : b)),
  Neg: each((x) => -x),
  Sqrt: each(Math.sqrt),
  Exp: each(Math.exp),
  Log: each(Math.log),
  Erf: each(erf),
  Tanh: each(Math.tanh),
  Relu: each((x) => Math.max(x, 0)),
  Sigmoid: each((x) => 1 / (1 + Math.exp(-x))),
  Reciprocal: each((x) => 1 / x),
  Cast: ({ dtype }, [x]) =>
    x!.data.map((e) =>
      dtype === "bool" ? Number(e !== 0) : dtype === "float32" ? e : Math.trunc(e),
    ),
  MatMul: ({ shape }, [a, b]) => matrixProduct(shape, a!, b!),
  Gemm({ shape, attributes }, [a, b, c]) {
    const product = matrixProduct(
      shape,
      attributes.transA ? transposed(a!) : a!,
      attributes.transB ? transposed(b!) : b!,
    );
    return fill(shape, (p) => at({ shape, data: product }, p) + (c ? at(c, p) : 0));
  },
  Linear: ({ shape }, [x, weight, bias]) =>
    fill(shape, (p) => {
      const [row, column] = [p.slice(0, -1), p.at(-1)!];
      let total = bias ? bias.data[column]! : 0;
      for (let k = 0; k < x!.shape.at(-1)!; k++)
        total += at(x!, [...row, k]) * at(weight!, [column, k]);
      return total;
    }),
  Transpose({ shape, attributes }, [x]) {
    const perm = attributes.perm as readonly number[];
    return fill(shape, (p) =>
      at(
        x!,
        perm.map((_, axis) => p[perm.indexOf(axis)]!),
      ),
    );
  },
  Reshape: (_, [x]) => x!.data,
  Slice({ shape, attributes }, [x]) {
    const { axes, starts } = attributes as Record<string, readonly number[]>;
    return fill(shape, (p) =>
      at(
        x!,
        p.map((i, axis) => i + (starts![axes!.indexOf(axis)] ?? 0)),
      ),
    );
  },
  Concat({ shape, attributes }, inputs) {
    const axis = attributes.axis as number;
    return fill(shape, (p) => {
      let i = p[axis]!;
      let n = 0;
      for (; i >= inputs[n]!.shape[axis]!; n++) i -= inputs[n]!.shape[axis]!;
      return at(inputs[n]!, p.with(axis, i));
    });
  },
  Split({ attributes }, [x]) {
    const { axis, sizes } = attributes as { axis: number; sizes: readonly number[] };
    return sizes.map((size, n) => {
      const start = sum(sizes.slice(0, n));
      return fill(x!.shape.with(axis, size), (p) => at(x!, p.with(axis, p[axis]! + start)));
    });
  },
  Expand: each((x) => x),
  Pad({ shape, attributes }, [x]) {
    const before = attributes.before as readonly number[];
    return fill(shape, (p) => {
      const inner = p.map((i, axis) => i - before[axis]!);
      return inner.every((i, axis) => i >= 0 && i < x!.shape[axis]!) ? at(x!, inner) : 0;
    });
  },
  ReduceSum: reduction(sum),
  ReduceMean: reduction((elements) => sum(elements) / elements.length),
  ReduceMax: reduction((elements) => Math.max(...elements)),
  Softmax: (_, [x]) => rows(x!, softmaxOf),
  LogSoftmax: (_, [x]) => rows(x!, (row) => softmaxOf(row).map(Math.log)),
  Gelu: ({ attributes }, [x]) => x!.data.map((e) => geluOf(e, attributes.approximate)),
  Dropout: ({ attributes }, [x, mask]) =>
    x!.data.map((e, i) => (mask!.data[i] ? e / (1 - (attributes.p as number)) : 0)),
  LayerNormalization(node, [x, scale, bias]) {
    const means: number[] = [];
    const invStds: number[] = [];
    const y = rows(x!, (row) => {
      const mean = sum(row) / row.length;
      const variance = sum(row.map((e) => (e - mean) ** 2)) / row.length;
      const invStd = 1 / Math.sqrt(variance + (node.attributes.eps as number));
      means.push(mean);
      invStds.push(invStd);
      return row.map((e, i) => (e - mean) * invStd * scale!.data[i]! + bias!.data[i]!);
    });
    return [y, Float64Array.from(means), Float64Array.from(invStds)];
  },
  RMSNormalization(node, [x, scale]) {
    const invRms: number[] = [];
    const y = rows(x!, (row) => {
      const meanSquare = sum(row.map((e) => e * e)) / row.length;
      invRms.push(1 / Math.sqrt(meanSquare + (node.attributes.eps as number)));
      return row.map((e, i) => e * invRms.at(-1)! * scale!.data[i]!);
    });
    return [y, Float64Array.from(invRms)];
  },
  Gather({ shape }, [table, ids]) {
    const row = sizeOf(table!.shape.slice(1));
    return Float64Array.from({ length: sizeOf(shape) }, (_, i) => {
      return table!.data[ids!.data[Math.floor(i / row)]! * row + (i % row)]!;
    });
  },
  Pick: (_, [x, ids]) => ids!.data.map((id, i) => at(x!, [i, id])),
  ScatterRows({ shape }, [added, ids]) {
    const row = sizeOf(shape.slice(1));
    const table = new Float64Array(sizeOf(shape));
    for (const [i, x] of added!.data.entries())
      table[ids!.data[Math.floor(i / row)]! * row + (i % row)]! += x;
    return table;
  },
  CrossEntropyRows: (_, [logits, labels]) =>
    labels!.data.map((label, i) => {
      const width = logits!.shape[1]!;
      return -Math.log(softmaxOf(logits!.data.subarray(i * width, (i + 1) * width))[label]!);
    }),
  Attention({ shape, attributes }, inputs) {
    const { scale, masked, p = 0 } = attributes as { scale: number; masked?: boolean; p?: number };
    const [q, k, v, ...rest] = inputs;
    const mask = masked ? rest.shift() : undefined;
    const dropped = rest.shift();
    const square = [...shape.slice(0, 3), k!.shape[2]!];
    const products = { shape: square, data: matrixProduct(square, q!, transposed(k!)) };
    const scores = fill(square, (i) => at(products, i) * scale + (mask ? at(mask, i) : 0));
    const probabilities = rows({ shape: square, data: scores }, softmaxOf);
    const kept = probabilities.map((e, i) => (dropped && !dropped.data[i] ? 0 : e));
    const used = { shape: square, data: kept.map((e) => e / (1 - p)) };
    return [matrixProduct(shape, used, v!), probabilities, kept];
  },
};
