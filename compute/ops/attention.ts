import { type Attributes, makeValue, resultOf, ShapeError, show, type Value } from "../graph.ts";
import { broadcastShapes, requireFloat } from "./broadcast.ts";

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
  for (const value of [q, k, v]) requireFloat("attention", value);
  const [batch, heads, rows, width] = q.shape;
  const columns = k.shape[2];
  const fits = show(k.shape) === show([batch!, heads!, columns!, width!]);
  if (q.shape.length !== 4 || !fits || show(v.shape) !== show(k.shape))
    throw new ShapeError(
      `attention: q ${show(q.shape)}, k ${show(k.shape)} and v ${show(v.shape)} are not [B, h, T, d], [B, h, S, d] and [B, h, S, d].`,
    );
  const scores = [batch!, heads!, rows!, columns!];
  const { scale, mask, dropoutMask, p } = options;
  if (mask !== undefined && show(broadcastShapes("attention", mask.shape, scores)) !== show(scores))
    throw new ShapeError(
      `attention: a mask ${show(mask.shape)} does not broadcast to ${show(scores)}.`,
    );
  if ((dropoutMask === undefined) !== (p === undefined))
    throw new ShapeError("attention: dropoutMask and p are given together or not at all.");
  if (dropoutMask !== undefined && show(dropoutMask.shape) !== show(scores))
    throw new ShapeError(
      `attention: a dropout mask ${show(dropoutMask.shape)} does not cover ${show(scores)}.`,
    );
  const inputs = [q, k, v, ...(mask ? [mask] : []), ...(dropoutMask ? [dropoutMask] : [])];
  const attributes: Attributes = {
    scale,
    ...(mask && { masked: true }),
    ...(dropoutMask && { p: p! }),
  };
  return makeValue("Attention", inputs, attributes, q.shape, q.dtype);
}

/**
 * The named inputs of an attention node, and what it computed on the way, both [B, h, T, S]: the
 * probabilities, and those that dropout kept, which `keptScale` makes into the ones that v is summed by.
 */
export function attentionParts(node: Value) {
  const [q, k, v, ...rest] = node.inputs;
  const { scale, p = 0 } = node.attributes as { scale: number; p?: number };
  const mask = node.attributes.masked ? rest.shift() : undefined;
  const dropoutMask = rest.shift();
  const shape = [...q!.shape.slice(0, 3), k!.shape[2]!];
  const probabilities = resultOf(node, 1, shape);
  const kept = dropoutMask === undefined ? probabilities : resultOf(node, 2, shape);
  return {
    q: q!,
    k: k!,
    v: v!,
    mask,
    dropoutMask,
    scale,
    probabilities,
    kept,
    keptScale: 1 / (1 - p),
  };
}
