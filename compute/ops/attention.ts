import { ShapeError, show, type Value } from "../graph.ts";
import { dropout, softmax } from "./activation.ts";
import { add, mul } from "./elementwise.ts";
import { transpose } from "./layout.ts";
import { matMul } from "./matmul.ts";

/** What attention does beside its three tensors. */
export interface AttentionOptions {
  /** What the scores are multiplied by: 1 / √(size of a head). */
  readonly scale: number;
  /** Added to the scaled scores; broadcasts to [B, h, T, S]. */
  readonly mask?: Value;
  /** 0 drops a probability: uint8 or bool [B, h, T, S]. */
  readonly dropoutMask?: Value;
  /** The share that `dropoutMask` drops. */
  readonly p?: number;
}

/** softmax(q·kᵀ·scale + mask)·v: q [B, h, T, d], k and v [B, h, S, d]. https://arxiv.org/abs/1706.03762 */
export function attention(q: Value, k: Value, v: Value, options: AttentionOptions): Value {
  if (q.shape.length !== 4 || k.shape.length !== 4 || v.shape.length !== 4)
    throw new ShapeError(
      `attention: q ${show(q.shape)}, k ${show(k.shape)} and v ${show(v.shape)} are not all [B, h, T, d].`,
    );
  const { scale, mask, dropoutMask, p } = options;
  if ((dropoutMask === undefined) !== (p === undefined))
    throw new ShapeError("attention: dropoutMask and p are given together or not at all.");
  const scores = matMul(mul(q, scale), transpose(k, [0, 1, 3, 2])); // (B, h, T, S)
  const probabilities = softmax(mask === undefined ? scores : add(scores, mask));
  const kept = dropoutMask === undefined ? probabilities : dropout(probabilities, dropoutMask, p!);
  return matMul(kept, v); // (B, h, T, d)
}
