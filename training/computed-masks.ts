import { constant, input, type Shape, show, sizeOf, type Value } from "../compute/graph.ts";
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
  const [rowFactor, rowShift, columnFactor, columnShift] = [0, 1, 2, 3].map(word) as Words;
  const rowKeys = once((rows) => reshape(add(keysOf(rows, rowFactor, rowShift), 1), rows));
  const columnKeys = once((columns) => keysOf(columns, columnFactor, columnShift));
  return (site, shape, p) => {
    if (p === 0) return undefined;
    const ofColumns = mul(columnKeys(shape.slice(-1)), siteFactor(site));
    const sums = add(rowKeys([...shape.slice(0, -1), 1]), ofColumns);
    return greater(cube(sums), dropoutLimit(p));
  };
}

type Words = [Value, Value, Value, Value];

/** The keys of as many places as a tensor of this shape has elements. */
function keysOf(shape: Shape, factor: Value, shift: Value): Value {
  return cube(add(mul(constant(placeNumbers(sizeOf(shape))), factor), shift));
}

function cube(x: Value): Value {
  return mul(x, mul(x, x));
}

/** The same value whenever a shape comes again. */
function once(make: (shape: Shape) => Value): (shape: Shape) => Value {
  const made = new Map<string, Value>();
  return (shape) => {
    const value = made.get(show(shape)) ?? make(shape);
    made.set(show(shape), value);
    return value;
  };
}
