import { constant, type Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import type { KeyValue, TokenBatch } from "./model.ts";

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

/**
 * What is added to the scores of a decoder: 0 where a token may look, the lowest float32 elsewhere. A token
 * sees itself and the tokens before it, of its own text, that are no padding; and the past. The keys
 * are those of the past, then those of the batch.
 */
export function causalMask({ attentionMask, textIds, past }: CausalKeys): Value {
  const [batch, length] = attentionMask.shape as [number, number];
  const keys = counted(length); // (T)
  const isLater = ops.greater(keys, ops.reshape(keys, [length, 1])); // (T, T)
  let mask = ops.where(isLater, LOWEST, paddingMask(attentionMask)); // (B, 1, T, T)
  if (textIds !== undefined) {
    const asKeys = ops.reshape(textIds, [batch, 1, 1, length]);
    const isSameText = ops.equal(asKeys, ops.reshape(textIds, [batch, 1, length, 1]));
    mask = ops.where(isSameText, mask, LOWEST);
  }
  if (past === undefined) return mask;
  const before = ops.expand(paddingMask(past.mask), [batch, 1, length, past.mask.shape[1]!]);
  return ops.concat([before, mask], 3); // (B, 1, T, S + T)
}

/** What decides which keys a token of a decoder sees. */
export type CausalKeys = Pick<TokenBatch, "attentionMask" | "textIds" | "past">;

/** The keys and values of one layer: those of the past, where there is one, then these. */
export function withPast(own: KeyValue, past: KeyValue | undefined): KeyValue {
  if (past === undefined) return own;
  return {
    key: ops.concat([past.key, own.key], 2),
    value: ops.concat([past.value, own.value], 2),
  }; // (B, h, S + T, d)
}

/** Each head `times` times, for queries that share keys: [B, h, S, d] -> [B, h · times, S, d]. */
export function repeatHeads(x: Value, times: number): Value {
  const [batch, heads, length, width] = x.shape as [number, number, number, number];
  if (times === 1) return x;
  const each = ops.expand(ops.reshape(x, [batch, heads, 1, length, width]), [
    batch,
    heads,
    times,
    length,
    width,
  ]);
  return ops.reshape(each, [batch, heads * times, length, width]);
}

/** 0, 1, 2, … as float32 [count]. */
export function counted(count: number): Value {
  return constant(Array.from({ length: count }, (_, i) => i));
}
