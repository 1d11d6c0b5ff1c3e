import { constant, type Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";

/** How distances are put into buckets, each of which has one bias a head. */
export interface Buckets {
  /** relative_attention_num_buckets */
  readonly count: number;
  /** relative_attention_max_distance: all that is further is in the last bucket. */
  readonly maxDistance: number;
  /** Whether keys after the query have buckets of their own, half of them. */
  readonly bothWays: boolean;
}

/**
 * T5's bias of attention scores by distance: table [buckets, h], places of queries [T] or [B, T] and of
 * keys [S] or [B, S], float32 -> [1 or B, h, T, S]. Each bucket is a range of distances, so a product with
 * zeros and ones looks it up: its gradient needs no scatter. https://arxiv.org/abs/1910.10683, section 2.1
 */
export function relativeBias(
  table: Value,
  { queries, keys }: { queries: Value; keys: Value },
  buckets: Buckets,
): Value {
  const [batch, length] = queries.shape.length === 2 ? queries.shape : [1, queries.shape[0]];
  const [columns, heads] = [keys.shape.at(-1)!, table.shape[1]!];
  const distance = ops.sub(
    ops.reshape(keys, [-1, 1, columns, 1]),
    ops.reshape(queries, [-1, length!, 1, 1]),
  ); // (B, T, S, 1)
  const { lowest, highest } = rangesOf(buckets);
  const isAbove = ops.greater(distance, lowest); // (B, T, S, buckets)
  const isBelow = ops.greater(highest, distance);
  const chosen = ops.where(isAbove, ops.cast(isBelow, "float32"), 0);
  const rows = ops.gemm(ops.reshape(chosen, [-1, buckets.count]), table); // (B · T · S, h)
  return ops.transpose(ops.reshape(rows, [batch!, length!, columns, heads]), [0, 3, 1, 2]);
}

const FAR = 1e9;

/** Half a step below the first and above the last distance of each bucket; an empty one has none between. */
function rangesOf(buckets: Buckets): { readonly lowest: Value; readonly highest: Value } {
  const lowest = new Float32Array(buckets.count).fill(FAR);
  const highest = new Float32Array(buckets.count).fill(-FAR);
  const end = buckets.maxDistance + 1;
  for (let distance = -end; distance <= end; distance++) {
    const bucket = bucketOf(distance, buckets);
    const isEnd = Math.abs(distance) === end;
    lowest[bucket] = Math.min(lowest[bucket]!, isEnd && distance < 0 ? -FAR : distance - 0.5);
    highest[bucket] = Math.max(highest[bucket]!, isEnd && distance > 0 ? FAR : distance + 0.5);
  }
  return { lowest: constant(lowest), highest: constant(highest) };
}

/** The bucket of a key's place minus the query's: near ones have one each, far ones share by logarithm. */
function bucketOf(distance: number, { count, maxDistance, bothWays }: Buckets): number {
  const own = bothWays ? count / 2 : count;
  const first = bothWays && distance > 0 ? own : 0;
  const steps = bothWays ? Math.abs(distance) : Math.max(0, -distance);
  const exact = Math.floor(own / 2);
  if (steps < exact) return first + steps;
  // Rounded as float32 where PyTorch is: at powers of two a bucket begins.
  const logarithm = Math.fround(Math.log(Math.fround(steps / exact)));
  const share = Math.fround(logarithm / Math.log(maxDistance / exact));
  const shared = exact + Math.floor(Math.fround(share * (own - exact)));
  return first + Math.min(shared, own - 1);
}
