import type { RawTensor } from "../models/safetensors.ts";
import { TrainingError } from "./training-error.ts";

/** Numbers as a tensor of a file. */
export function tensorOf(data: Float32Array | Int32Array, shape: readonly number[]): RawTensor {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dtype: data instanceof Int32Array ? "I32" : "F32", shape, bytes };
}

/** The numbers of a tensor of a file, in memory of their own; a TrainingError for another type or length. */
export function floatsOf(
  tensor: RawTensor | undefined,
  name: string,
  length: number,
): Float32Array {
  return new Float32Array(bufferOf(tensor, name, { dtype: "F32", length }));
}

/** The same for whole numbers; any length. */
export function integersOf(tensor: RawTensor | undefined, name: string): Int32Array {
  return new Int32Array(bufferOf(tensor, name, { dtype: "I32" }));
}

function bufferOf(
  tensor: RawTensor | undefined,
  name: string,
  { dtype, length }: { dtype: "F32" | "I32"; length?: number },
): ArrayBuffer {
  const isSound =
    tensor?.dtype === dtype && (length === undefined || tensor.bytes.byteLength === 4 * length);
  if (!isSound) throw new TrainingError("checkpoint-damaged", `the tensor "${name}" does not fit`);
  return tensor.bytes.slice().buffer as ArrayBuffer;
}
