import { makeValue, ShapeError, show, type Value } from "../graph.ts";
import { logSoftmax } from "./activation.ts";
import { requireFloat } from "./broadcast.ts";
import { add, cast, div, equal, mul, where } from "./elementwise.ts";
import { reduceMean, reduceSum } from "./reduce.ts";

/** -log softmax(logits)[label] of each row: logits [N, C], labels int [N] from 0 to C-1 -> [N]. */
export function crossEntropyRows(logits: Value, labels: Value): Value {
  requireFloat("crossEntropyRows", logits);
  if (labels.dtype !== "int32" && labels.dtype !== "int64")
    throw new ShapeError(`crossEntropyRows: labels are ${labels.dtype}, not int32 or int64.`);
  if (logits.shape.length !== 2 || show(labels.shape) !== show(logits.shape.slice(0, 1)))
    throw new ShapeError(
      `crossEntropyRows: labels ${show(labels.shape)} do not label logits ${show(logits.shape)}.`,
    );
  return makeValue("CrossEntropyRows", [logits, labels], {}, labels.shape, logits.dtype);
}

/**
 * The mean of the rows' cross entropies over the labels that differ from `ignoreIndex`; NaN when there
 * are none. As torch.nn.functional.cross_entropy.
 */
export function softmaxCrossEntropy(
  logits: Value,
  labels: Value,
  { ignoreIndex = -100 }: { ignoreIndex?: number } = {},
): Value {
  const ignored = equal(labels, ignoreIndex);
  const counts = where(ignored, 0, 1);
  const total = reduceSum(mul(crossEntropyRows(logits, where(ignored, 0, labels)), counts), [0]);
  return div(total, reduceSum(counts, [0]));
}

/**
 * The sum of the rows' cross entropies times their weights (float32 [N]; 0 leaves a row out, whatever
 * its label). Weights of 1 / (labels that count in the whole batch) make sums of parts equal its mean.
 * With `smoothing` that share of each row's target is spread over all classes:
 * https://arxiv.org/abs/1512.00567, section 7.
 */
export function weightedCrossEntropy(
  logits: Value,
  labels: Value,
  weights: Value,
  { smoothing = 0 }: { smoothing?: number } = {},
): Value {
  const counts = cast(weights, "bool");
  const rows = crossEntropyRows(logits, where(counts, labels, 0));
  if (smoothing === 0) return reduceSum(mul(rows, weights), [0]);
  const spread = mul(reduceMean(logSoftmax(logits), [-1]), -smoothing);
  return reduceSum(mul(add(mul(rows, 1 - smoothing), spread), weights), [0]);
}
