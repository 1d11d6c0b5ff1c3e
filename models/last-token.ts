import type { Value } from "../compute/graph.ts";
import * as ops from "../compute/ops.ts";
import { counted } from "./attention.ts";
import { type ParameterValues, parameterValue, weightSpec } from "./layers.ts";
import { ofHead, type ParameterSpec } from "./parameters.ts";

/** The logits of a decoder that classifies: its `score` of each row's last token that is no padding. */
export function scoreLastToken(
  x: Value, // (B, T, C)
  params: ParameterValues,
  { inputIds, padTokenId }: { inputIds: Value; padTokenId: number },
): Value {
  const [batch, length, width] = x.shape as [number, number, number];
  const places = counted(length); // (T)
  const ofTokens = ops.where(ops.equal(inputIds, padTokenId), 0, places); // (B, T)
  const last = ops.reduceMax(ofTokens, [1], true); // (B, 1)
  // A product with zeros and a one: a lookup's gradient would be a scatter.
  const chosen = ops.reshape(ops.cast(ops.equal(places, last), "float32"), [batch, 1, length]);
  const token = ops.reshape(ops.matMul(chosen, x), [batch, width]); // (B, C)
  return ops.linear(token, parameterValue(params, "score.weight")); // (B, labels)
}

/** The parameter of that head. */
export function scoreSpecs(
  [width, labels]: readonly [number, number],
  standardDeviation: number,
): ParameterSpec[] {
  return ofHead([weightSpec("score", [labels, width], standardDeviation)], { perLabel: true });
}
