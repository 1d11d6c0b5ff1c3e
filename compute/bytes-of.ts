import { type DType, sizeOf, type Value } from "./graph.ts";

const BYTES: Readonly<Record<DType, number>> = {
  float32: 4,
  int32: 4,
  int64: 8,
  uint8: 1,
  bool: 1,
  float16: 2,
  bfloat16: 2,
};

/** Bytes of a value's elements. */
export function bytesOf({ shape, dtype }: Pick<Value, "shape" | "dtype">): number {
  return sizeOf(shape) * BYTES[dtype];
}
