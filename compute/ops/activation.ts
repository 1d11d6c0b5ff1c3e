import { makeValue, ShapeError, show, type Value } from "../graph.ts";
import { requireFloat } from "./broadcast.ts";
import { mul, sigmoid } from "./elementwise.ts";

/** Softmax over the last axis. */
export function softmax(x: Value): Value {
  return overLastAxis("Softmax", x);
}

/** The logarithm of the softmax over the last axis. */
export function logSoftmax(x: Value): Value {
  return overLastAxis("LogSoftmax", x);
}

/** x · Φ(x), by the error function or by its tanh approximation. https://arxiv.org/abs/1606.08415 */
export function gelu(x: Value, approximate: "erf" | "tanh"): Value {
  requireFloat("gelu", x);
  return makeValue("Gelu", [x], { approximate }, x.shape, x.dtype);
}

/** x · σ(x), also called swish. https://arxiv.org/abs/1702.03118 */
export function silu(x: Value): Value {
  return mul(x, sigmoid(x));
}

/** Drops where the mask is 0 and scales the rest by 1 / (1 - p): x, mask (uint8 or bool) of one shape. */
export function dropout(x: Value, mask: Value, p: number): Value {
  requireFloat("dropout", x);
  if (mask.dtype !== "uint8" && mask.dtype !== "bool")
    throw new ShapeError(`dropout: the mask is ${mask.dtype}, not uint8 or bool.`);
  if (show(mask.shape) !== show(x.shape))
    throw new ShapeError(`dropout: a mask ${show(mask.shape)} does not cover ${show(x.shape)}.`);
  if (!(p >= 0 && p < 1)) throw new ShapeError(`dropout: p is ${p}, not in [0, 1).`);
  return makeValue("Dropout", [x, mask], { p }, x.shape, x.dtype);
}

function overLastAxis(op: string, x: Value): Value {
  requireFloat(op, x);
  if (x.shape.length < 1) throw new ShapeError(`${op}: a scalar has no last axis.`);
  return makeValue(op, [x], {}, x.shape, x.dtype);
}
