import { ShapeError, show, type Value } from "../graph.ts";
import { add, mul, sub } from "./elementwise.ts";
import { concat, split } from "./layout.ts";

/**
 * Rotates each pair of elements i and i + d/2 of the last axis by an angle, given by its cosine and
 * sine, which broadcast to [..., d/2]: positions become rotations. https://arxiv.org/abs/2104.09864
 */
export function rotate(x: Value, { cos, sin }: { cos: Value; sin: Value }): Value {
  const half = (x.shape.at(-1) ?? 0) / 2;
  if (!Number.isInteger(half) || cos.shape.at(-1) !== half || sin.shape.at(-1) !== half)
    throw new ShapeError(
      `rotate: angles ${show(cos.shape)} and ${show(sin.shape)} do not turn the pairs of ${show(x.shape)}.`,
    );
  const [a, b] = split(x, [half, half], -1) as [Value, Value];
  return concat([sub(mul(a, cos), mul(b, sin)), add(mul(b, cos), mul(a, sin))], -1);
}
