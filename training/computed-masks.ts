import { constant, input, sizeOf, type Value } from "../compute/graph.ts";
import { add, greater, mul } from "../compute/ops/elementwise.ts";
import { reshape, slice } from "../compute/ops/layout.ts";
import type { DropoutMasks } from "../models/layers.ts";
import { dropoutLimit, placeNumbers, siteFactor } from "./dropout-key.ts";

/** The name of the input that computed masks are drawn from: a DropoutKey. */
export const DROPOUT_KEY = "dropout_key";

/**
 * Masks that a graph computes, the ones that fillDropoutMask writes: four operations on each element. For devices whose
 * int32 wraps around, as it does on WebGPU and CUDA. Keys of rows and columns are computed once for all places.
 */
export function computedMasks(): DropoutMasks {
  const key = input(DROPOUT_KEY, [4], "int32");
  const word = (at: number) => reshape(slice(key, { axes: [0], starts: [at], ends: [at + 1] }), []);
  const rowKeys = keysOf([word(0), word(1)]);
  const columnKeys = keysOf([word(2), word(3)]);
  return (site, shape, p) => {
    if (p === 0) return undefined;
    const columns = shape.at(-1)!;
    const rows = [...shape.slice(0, -1), 1];
    const ofRows = reshape(add(rowKeys(sizeOf(rows)), 1), rows);
    const ofColumns = mul(columnKeys(columns), siteFactor(site));
    return greater(cube(add(ofRows, ofColumns)), dropoutLimit(p));
  };
}

/** The keys of so many places, made once for each number of them. */
function keysOf([factor, shift]: readonly [Value, Value]): (count: number) => Value {
  const made = new Map<number, Value>();
  return (count) => {
    const keys = made.get(count) ?? cube(add(mul(constant(placeNumbers(count)), factor), shift));
    made.set(count, keys);
    return keys;
  };
}

function cube(x: Value): Value {
  return mul(x, mul(x, x));
}
