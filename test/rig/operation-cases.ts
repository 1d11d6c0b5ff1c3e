import type { DType, Shape, Value } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";

/** What a case feeds: a shape of random floats in a range, or given integers. */
export interface CaseInput {
  readonly shape: Shape;
  readonly dtype?: DType;
  readonly range?: readonly [number, number];
  readonly values?: readonly number[];
}

export interface OperationCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, CaseInput>>;
  build(inputs: Readonly<Record<string, Value>>): Value;
}

type Build = (...inputs: Value[]) => Value;

/** A case whose inputs are floats of these shapes, named a, b, c, …, in [-2, 2] or a given range. */
function floats(name: string, shapes: readonly Shape[], build: Build, range?: [number, number]) {
  const names = shapes.map((_, i) => String.fromCharCode(97 + i));
  const inputs = shapes.map((shape, i) => [names[i], { shape, ...(range && { range }) }] as const);
  return {
    name,
    inputs: Object.fromEntries(inputs),
    build: (given: Readonly<Record<string, Value>>) => build(...names.map((key) => given[key]!)),
  } satisfies OperationCase;
}

const elementwise: OperationCase[] = [
  floats("add, rows broadcast", [[2, 3], [3]], ops.add),
  floats(
    "add, both broadcast",
    [
      [2, 1, 3],
      [4, 1],
    ],
    ops.add,
  ),
  floats(
    "sub, columns broadcast",
    [
      [2, 3],
      [2, 1],
    ],
    ops.sub,
  ),
  floats("mul, a scalar operand", [[2, 3]], (a) => ops.mul(a, -1.5)),
  floats("mul, by itself", [[2, 3]], (a) => ops.mul(a, a)),
  floats("div, rows broadcast", [[2, 3], [3]], ops.div, [0.5, 2]),
  floats("neg", [[2, 3]], ops.neg),
  floats("sqrt", [[2, 3]], ops.sqrt, [0.1, 4]),
  floats("exp", [[2, 3]], ops.exp),
  floats("log", [[2, 3]], ops.log, [0.1, 4]),
  floats("erf", [[3, 4]], ops.erf, [-4, 4]),
  floats("tanh", [[2, 3]], ops.tanh),
  floats("relu", [[3, 4]], ops.relu),
  floats("sigmoid", [[2, 3]], ops.sigmoid),
  floats("reciprocal", [[2, 3]], ops.reciprocal, [0.5, 2]),
  floats("greater and where", [[2, 3], [3]], (a, b) =>
    ops.where(ops.greater(a, b), a, ops.mul(b, 3)),
  ),
  floats("equal and cast", [[2, 3]], (a) => ops.mul(a, ops.cast(ops.equal(a, a), "float32"))),
];

const layout: OperationCase[] = [
  floats("transpose", [[2, 3, 4]], (a) => ops.transpose(a, [2, 0, 1])),
  floats("reshape", [[2, 6]], (a) => ops.reshape(a, [3, -1, 2])),
  floats("slice", [[3, 5, 2]], (a) => ops.slice(a, { axes: [1, 0], starts: [1, 0], ends: [4, 2] })),
  floats(
    "concat",
    [
      [2, 1],
      [2, 3],
    ],
    (a, b) => ops.concat([a, b], 1),
  ),
  floats("split, all parts", [[2, 6]], (a) => {
    const [x, y, z] = ops.split(a, [1, 2, 3], -1);
    return ops.concat([z!, ops.mul(x!, 2), y!], 1);
  }),
  floats("split, the middle part alone", [[6, 2]], (a) => ops.split(a, [1, 2, 3], 0)[1]!),
  floats("expand", [[3, 1]], (a) => ops.expand(a, [2, 3, 4])),
  floats("pad", [[2, 3]], (a) => ops.pad(a, [1, 0], [0, 2])),
  floats("reduceSum, last axis", [[2, 3, 4]], (a) => ops.reduceSum(a, [-1])),
  floats("reduceSum, two axes kept", [[2, 3, 4]], (a) => ops.reduceSum(a, [0, 2], true)),
  floats("reduceMean", [[2, 3, 4]], (a) => ops.reduceMean(a, [1])),
  floats("reduceMax", [[3, 5]], (a) => ops.reduceMax(a, [1], true)),
];

const products: OperationCase[] = [
  floats(
    "matMul",
    [
      [2, 3],
      [3, 4],
    ],
    ops.matMul,
  ),
  floats(
    "matMul, batches broadcast",
    [
      [2, 1, 2, 3],
      [5, 3, 4],
    ],
    ops.matMul,
  ),
  floats("gemm, as they are", [[2, 3], [3, 4], [4]], (a, b, c) => ops.gemm(a, b, { c })),
  floats(
    "gemm, a transposed",
    [
      [3, 2],
      [3, 4],
    ],
    (a, b) => ops.gemm(a, b, { transA: true }),
  ),
  floats(
    "gemm, both transposed",
    [
      [3, 2],
      [4, 3],
      [2, 1],
    ],
    (a, b, c) => ops.gemm(a, b, { c, transA: true, transB: true }),
  ),
  floats("linear", [[2, 3, 4], [5, 4], [5]], ops.linear),
  floats(
    "linear without bias",
    [
      [3, 4],
      [5, 4],
    ],
    (a, b) => ops.linear(a, b),
  ),
];

const maskOf = (shape: Shape, dtype: DType = "uint8"): CaseInput => ({
  shape,
  dtype,
  values: Array.from({ length: shape.reduce((n, size) => n * size, 1) }, (_, i) =>
    Number(i % 3 > 0),
  ),
});

const composites: OperationCase[] = [
  floats("softmax", [[2, 3, 4]], ops.softmax),
  floats("logSoftmax", [[2, 5]], ops.logSoftmax),
  floats("gelu, erf", [[4, 5]], (a) => ops.gelu(a, "erf"), [-5, 5]),
  floats("gelu, tanh", [[4, 5]], (a) => ops.gelu(a, "tanh"), [-5, 5]),
  floats("layerNorm", [[2, 3, 8], [8], [8]], (x, scale, bias) =>
    ops.layerNorm(x, scale, bias, 1e-5),
  ),
  floats("rmsNorm", [[2, 3, 8], [8]], (x, scale) => ops.rmsNorm(x, scale, 1e-6)),
  floats("silu", [[3, 4]], ops.silu, [-5, 5]),
  floats(
    "rotate",
    [
      [2, 3, 4, 6],
      [4, 3],
      [4, 3],
    ],
    (x, cos, sin) => ops.rotate(x, { cos, sin }),
  ),
  floats(
    "attention with a learned bias for all rows",
    [
      [2, 2, 3, 4],
      [2, 2, 5, 4],
      [2, 2, 5, 4],
      [1, 2, 3, 5],
    ],
    (q, k, v, mask) => ops.attention(q, k, v, { scale: 1, mask }),
  ),
  {
    name: "dropout",
    inputs: { x: { shape: [3, 4] }, mask: maskOf([3, 4]) },
    build: ({ x, mask }) => ops.dropout(x!, mask!, 0.25),
  },
  {
    name: "attention with mask and dropout",
    inputs: {
      q: { shape: [2, 2, 3, 4] },
      k: { shape: [2, 2, 5, 4] },
      v: { shape: [2, 2, 5, 4] },
      dropped: maskOf([2, 2, 3, 5], "bool"),
      shown: { shape: [2, 1, 1, 5], dtype: "int64", values: [1, 1, 1, 0, 0, 1, 1, 1, 1, 0] },
    },
    build({ q, k, v, dropped, shown }) {
      const mask = ops.mul(ops.sub(1, ops.cast(shown!, "float32")), -1e9);
      return ops.attention(q!, k!, v!, { scale: 0.5, mask, dropoutMask: dropped!, p: 0.25 });
    },
  },
  floats(
    "attention, plain",
    [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ],
    (q, k, v) => ops.attention(q, k, v, { scale: 0.5 }),
  ),
];

const ids = (values: readonly number[], shape: Shape, dtype: DType = "int64"): CaseInput => ({
  shape,
  dtype,
  values,
});

const indexing: OperationCase[] = [
  {
    name: "gather, an id twice",
    inputs: { table: { shape: [5, 3] }, ids: ids([4, 0, 4, 2], [2, 2]) },
    build: ({ table, ids }) => ops.gather(table!, ids!),
  },
  {
    name: "scatterRows, an id twice",
    inputs: { rows: { shape: [2, 2, 3] }, ids: ids([4, 0, 4, 2], [2, 2], "int32") },
    build: ({ rows, ids }) => ops.scatterRows(rows!, ids!, 5),
  },
  {
    name: "pick",
    inputs: { x: { shape: [3, 4] }, ids: ids([3, 0, 3], [3]) },
    build: ({ x, ids }) => ops.pick(x!, ids!),
  },
  {
    name: "crossEntropyRows",
    inputs: { logits: { shape: [3, 4] }, labels: ids([3, 0, 1], [3]) },
    build: ({ logits, labels }) => ops.crossEntropyRows(logits!, labels!),
  },
  {
    name: "softmaxCrossEntropy with an ignored label",
    inputs: { logits: { shape: [3, 4] }, labels: ids([3, -100, 1], [3]) },
    build: ({ logits, labels }) => ops.softmaxCrossEntropy(logits!, labels!),
  },
  {
    name: "weightedCrossEntropy",
    inputs: { logits: { shape: [3, 4] }, labels: ids([3, -100, 1], [3], "int32") },
    build: ({ logits, labels }) =>
      ops.weightedCrossEntropy(logits!, labels!, ops.cast(ops.greater(labels!, -1), "float32")),
  },
  {
    name: "weightedCrossEntropy, smoothed",
    inputs: {
      logits: { shape: [3, 4] },
      labels: ids([3, 0, 1], [3], "int32"),
      weights: { shape: [3], range: [0.1, 1] },
    },
    build: ({ logits, labels, weights }) =>
      ops.weightedCrossEntropy(logits!, labels!, weights!, { smoothing: 0.2 }),
  },
];

/** At least one case for each operation; a test compares the list with what the interpreter knows. */
export const operationCases: readonly OperationCase[] = [
  ...elementwise,
  ...layout,
  ...products,
  ...composites,
  ...indexing,
];
