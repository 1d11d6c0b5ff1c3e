import { makeValue, resultOf, ShapeError, show, type Value } from "../graph.ts";
import { requireFloat } from "./broadcast.ts";

/** (x - mean) / √(variance + eps) · scale + bias over the last axis. https://arxiv.org/abs/1607.06450 */
export function layerNorm(x: Value, scale: Value, bias: Value, eps: number): Value {
  for (const value of [x, scale, bias]) requireFloat("layerNorm", value);
  const width = x.shape.at(-1);
  for (const value of [scale, bias])
    if (value.shape.length !== 1 || value.shape[0] !== width)
      throw new ShapeError(
        `layerNorm: ${show(value.shape)} does not scale the last axis of ${show(x.shape)}.`,
      );
  return makeValue("LayerNormalization", [x, scale, bias], { eps }, x.shape, x.dtype);
}

/** x / √(mean of x² + eps) · scale over the last axis. https://arxiv.org/abs/1910.07467 */
export function rmsNorm(x: Value, scale: Value, eps: number): Value {
  for (const value of [x, scale]) requireFloat("rmsNorm", value);
  if (scale.shape.length !== 1 || scale.shape[0] !== x.shape.at(-1))
    throw new ShapeError(
      `rmsNorm: ${show(scale.shape)} does not scale the last axis of ${show(x.shape)}.`,
    );
  return makeValue("RMSNormalization", [x, scale], { eps }, x.shape, x.dtype);
}

/** The 1 / √(mean of x² + eps) that an RMS norm computed: the shape of x, last size 1. */
export function rmsNormStatistics(y: Value): { readonly invRms: Value } {
  return { invRms: resultOf(y, 1, [...y.shape.slice(0, -1), 1]) };
}

/** The mean and 1 / √(variance + eps) that a layer norm computed: the shape of x, last size 1. */
export function layerNormStatistics(y: Value): { readonly mean: Value; readonly invStd: Value } {
  const shape = [...y.shape.slice(0, -1), 1];
  return { mean: resultOf(y, 1, shape), invStd: resultOf(y, 2, shape) };
}
