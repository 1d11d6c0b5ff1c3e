import { constant, type Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";

/** What hides a score from softmax: the lowest float32, as in transformers. */
const LOWEST = -3.4028234663852886e38;

/** What is added to scores: 0 where a key is a token, the lowest float32 where it is padding. */
export function paddingMask(attentionMask: Value): Value {
  const [batch, length] = attentionMask.shape as [number, number];
  const padding = ops.sub(1, ops.cast(attentionMask, "float32"));
  return ops.reshape(ops.mul(padding, constant(LOWEST)), [batch, 1, 1, length]); // (B, 1, 1, S)
}

/** x as one vector for each head: [B, T, h · d] -> [B, h, T, d]. */
export function splitHeads(x: Value, heads: number): Value {
  const [batch, length] = x.shape as [number, number, number];
  return ops.transpose(ops.reshape(x, [batch, length, heads, -1]), [0, 2, 1, 3]);
}

/** The heads side by side again: [B, h, T, d] -> [B, T, h · d]. */
export function mergeHeads(x: Value): Value {
  const [batch, heads, length, width] = x.shape as [number, number, number, number];
  return ops.reshape(ops.transpose(x, [0, 2, 1, 3]), [batch, length, heads * width]);
}
