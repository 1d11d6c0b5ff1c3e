import type { Device } from "../device.ts";
import { DeviceError } from "../device-error.ts";
import { graphOf, input, type NarrowType } from "../graph.ts";
import { mixedPrecision } from "../mixed-precision.ts";
import { matMul } from "../ops/matmul.ts";

/** What ONNX Runtime's providers say where the device lacks a type, and what it means. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/requires f16/, "its adapter has no shader-f16"],
  [
    /CUBLAS failure (8|15):/, // CUBLAS_STATUS_ARCH_MISMATCH, CUBLAS_STATUS_NOT_SUPPORTED
    "cuBLAS has no such products for its GPU; those of compute capability 8.0 and later have them",
  ],
];

/** Why a device cannot compute products in this type, found by trying one; undefined where it can. A DeviceError is thrown. */
export async function tryProduct(
  compile: Device["compile"],
  type: NarrowType,
): Promise<string | undefined> {
  try {
    const result = await twoTimesTwo(compile, type);
    return result === 4 ? undefined : `its ${type} computes 2 * 2 = ${result}`;
  } catch (error) {
    if (error instanceof DeviceError) throw error; // no memory, or no device any more: of the type it says nothing
    const { message } = error as Error;
    const known = REASONS.find(([pattern]) => pattern.test(message));
    return known?.[1] ?? message.split("\n")[0];
  }
}

async function twoTimesTwo(compile: Device["compile"], type: NarrowType): Promise<number> {
  const x = input("x", [1, 1]);
  const executable = await compile(mixedPrecision(graphOf({ y: matMul(x, x) }), type));
  try {
    const two = { dtype: "float32", shape: [1, 1], data: Float32Array.of(2) } as const;
    const { y } = await executable.run({ x: two });
    return Number(y!.data[0]);
  } finally {
    await executable.release();
  }
}
