import assert from "node:assert/strict";
import { test } from "node:test";
import { gradients } from "../../compute/autodiff.ts";
import {
  constant,
  graphOf,
  input,
  type Shape,
  ShapeError,
  type Value,
} from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";

const float = (...shape: Shape) => input("x", shape);
const ids = (...shape: Shape) => input("ids", shape, "int64");
const mask = (...shape: Shape) => input("mask", shape, "uint8");
const plain = { scale: 1 };

const misuses: readonly [misuse: () => Value | Value[] | unknown, message: string][] = [
  [() => ops.add(float(2, 3), float(2)), "add: [2, 3] and [2] do not broadcast: 3 and 2."],
  [() => ops.mul(float(2), ids(2)), "mul: operands are float32 and int64; cast one of them."],
  [() => ops.exp(ids(2)), "exp: needs float32, got int64; cast it."],
  [() => ops.where(mask(2), 1, 0), "where: the condition is uint8, not bool; cast it."],
  [
    () => ops.matMul(float(2, 3), float(2, 3)),
    "matMul: [2, 3] and [2, 3] do not multiply: the last size of the first must be the last but one of the second.",
  ],
  [
    () => ops.gemm(float(2, 3), float(2, 3), { transA: true, transB: true }),
    "gemm: [2, 3]ᵀ and [2, 3]ᵀ do not multiply.",
  ],
  [
    () => ops.gemm(float(2, 3), float(3, 4), { c: float(3) }),
    "gemm: [3] and [2, 4] do not broadcast: 3 and 4.",
  ],
  [() => ops.linear(float(2, 3), float(3, 4)), "linear: a weight [3, 4] does not take [2, 3]."],
  [
    () => ops.linear(float(2, 3), float(4, 3), float(3)),
    "linear: a bias [3] does not fit a weight [4, 3].",
  ],
  [
    () => ops.transpose(float(2, 3), [0, 2]),
    "transpose: [0, 2] does not order the axes of [2, 3].",
  ],
  [() => ops.reshape(float(2, 3), [4, -1]), "reshape: [2, 3] does not fit [4, -1]."],
  [() => ops.reshape(float(2, 3), [-1, -1]), "reshape: [2, 3] does not fit [-1, -1]."],
  [
    () => ops.slice(float(2, 3), { axes: [1], starts: [1], ends: [4] }),
    "slice: 1 to 4 is not within axis 1 of [2, 3].",
  ],
  [() => ops.concat([], 0), "concat: needs at least one value."],
  [
    () => ops.concat([float(2, 3), float(3, 2)], 0),
    "concat: [3, 2] does not join [2, 3] on axis 0.",
  ],
  [
    () => ops.split(float(4), [1, 2], 0),
    "split: sizes [1, 2] add up to 3, axis 0 of [4] does not.",
  ],
  [() => ops.expand(float(2, 3), [3]), "expand: [2, 3] does not broadcast to [3]."],
  [() => ops.pad(float(2, 3), [1], [0]), "pad: [1] and [0] do not pad the axes of [2, 3]."],
  [() => ops.reduceSum(float(2), [1]), "ReduceSum: axis 1 is not an axis of [2]."],
  [() => ops.reduceMax(float(2, 3), [1, -1]), "ReduceMax: axes [1, -1] name one axis twice."],
  [() => ops.softmax(float()), "Softmax: a scalar has no last axis."],
  [
    () => ops.layerNorm(float(2, 3), float(2), float(3), 1e-5),
    "layerNorm: [2] does not scale the last axis of [2, 3].",
  ],
  [() => ops.dropout(float(2), float(2), 0.1), "dropout: the mask is float32, not uint8 or bool."],
  [() => ops.dropout(float(2), mask(3), 0.1), "dropout: a mask [3] does not cover [2]."],
  [() => ops.dropout(float(2), mask(2), 1), "dropout: p is 1, not in [0, 1)."],
  [() => ops.gather(float(2, 3), float(2)), "gather: ids are float32, not int32 or int64."],
  [() => ops.gather(float(), ids(2)), "gather: the table is a scalar."],
  [() => ops.pick(float(2, 3), ids(3)), "pick: ids [3] do not pick from [2, 3]."],
  [() => ops.scatterRows(float(2, 3), ids(3), 5), "scatterRows: ids [3] do not place [2, 3]."],
  [
    () => ops.crossEntropyRows(float(2, 3), ids(3)),
    "crossEntropyRows: labels [3] do not label logits [2, 3].",
  ],
  [
    () => ops.crossEntropyRows(float(2, 3), float(2)),
    "crossEntropyRows: labels are float32, not int32 or int64.",
  ],
  [
    () => ops.attention(float(1, 2, 3, 4), float(1, 2, 3, 5), float(1, 2, 3, 5), plain),
    "attention: q [1, 2, 3, 4], k [1, 2, 3, 5] and v [1, 2, 3, 5] are not [B, h, T, d], [B, h, S, d] and [B, h, S, d].",
  ],
  [
    () =>
      ops.attention(float(1, 2, 3, 4), float(1, 2, 3, 4), float(1, 2, 3, 4), {
        scale: 1,
        mask: float(2, 1, 1, 3),
      }),
    "attention: a mask [2, 1, 1, 3] does not broadcast to [1, 2, 3, 3].",
  ],
  [
    () =>
      ops.attention(float(1, 2, 3, 4), float(1, 2, 3, 4), float(1, 2, 3, 4), { scale: 1, p: 0.1 }),
    "attention: dropoutMask and p are given together or not at all.",
  ],
  [() => constant([1, 2, 3], [2, 2]), "constant: 3 elements do not fill the shape [2, 2]."],
  [() => input("x", [2, -1]), "Input: [2, -1] is not a shape."],
  [() => input("", [2]), "input: the name is empty."],
  [() => graphOf({ y: ops.add(float(2), float(2)) }), 'graphOf: "x" names two inputs or outputs.'],
  [() => gradients(float(2), []), "gradients: needs a float32 scalar, got float32 [2]."],
];

for (const [misuse, message] of misuses)
  test(`throws: ${message}`, () => {
    assert.throws(misuse, (error) => error instanceof ShapeError && error.message === message);
  });
