import { ModelError } from "./model-error.ts";

/** Bits of one element by safetensors' dtype name, in the order in which writers sort tensors. */
const BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

/** An element type as safetensors names it. */
export type Dtype = keyof typeof BITS;

const RANKS = new Map(Object.keys(BITS).map((dtype, rank) => [dtype, rank]));

/** Whether the value is the name of a dtype. */
export function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && RANKS.has(value);
}

/** Bits that one element takes in a file. */
export function bitsOf(dtype: Dtype): number {
  return BITS[dtype];
}

/** Orders dtypes so that better aligned ones come first, as safetensors' own writer does. */
export function compareDtypes(a: Dtype, b: Dtype): number {
  return RANKS.get(b)! - RANKS.get(a)!;
}

/**
 * Little-endian bytes of F32, F64, F16 or BF16 elements as a new Float32Array (F64 is rounded to
 * nearest, the others are exact). Other dtypes are a ModelError: no model we know stores weights so.
 */
export function toFloat32(dtype: Dtype, bytes: Uint8Array): Float32Array {
  const { buffer } = new Uint8Array(bytes); // a copy is aligned; a Buffer's slice() is none
  switch (dtype) {
    case "F32":
      return new Float32Array(buffer);
    case "F64":
      return new Float32Array(new Float64Array(buffer));
    case "BF16":
      return new Float32Array(
        Uint32Array.from(new Uint16Array(buffer), (half) => half << 16).buffer,
      );
    case "F16":
      return Float32Array.from(new Uint16Array(buffer), floatOfHalf);
    default:
      throw new ModelError(
        "dtype-unsupported",
        `Weights of dtype ${dtype} cannot be read as floats (F32, F64, F16 and BF16 can).`,
      );
  }
}

/** The value of IEEE 754 binary16 bits. */
function floatOfHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
