import { constant, type Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import { counted } from "./attention.ts";
import type { Pooling } from "./poolings.ts";

/** What max takes padding for, as sentence-transformers does: below any hidden state. */
const LOWEST = -1e9;

/** One vector for each row: x [B, T, C], attentionMask int [B, T] -> [B, C]. Padding, at the end of rows, does not count. */
export function pool(x: Value, attentionMask: Value, pooling: Pooling): Value {
  const [batch, length, width] = x.shape as [number, number, number];
  const mask = ops.cast(attentionMask, "float32"); // (B, T)
  const asRow = (y: Value) => ops.reshape(y, [batch, 1, length]);
  const vectorOf = (y: Value) => ops.reshape(y, [batch, width]);
  switch (pooling) {
    case "mean": {
      const sum = vectorOf(ops.matMul(asRow(mask), x)); // (B, C)
      return ops.div(sum, atLeast(ops.reduceSum(mask, [1], true), 1e-9));
    }
    case "cls":
      return vectorOf(ops.slice(x, { axes: [1], starts: [0], ends: [1] }));
    case "max": {
      const isToken = ops.reshape(ops.equal(attentionMask, 1), [batch, length, 1]);
      return ops.reduceMax(ops.where(isToken, x, LOWEST), [1]);
    }
    case "lasttoken": {
      const last = ops.sub(ops.reduceSum(mask, [1], true), 1); // (B, 1)
      const isLast = ops.cast(ops.equal(counted(length), last), "float32"); // (B, T)
      return vectorOf(ops.matMul(asRow(isLast), x));
    }
  }
}

/** Each row divided by its length, as torch.nn.functional.normalize: [B, C] -> [B, C]. */
export function normalized(x: Value): Value {
  const length = ops.sqrt(ops.reduceSum(ops.mul(x, x), [-1], true)); // (B, 1)
  return ops.div(x, atLeast(length, 1e-12));
}

function atLeast(x: Value, least: number): Value {
  return ops.where(ops.greater(x, least), x, constant(least));
}
