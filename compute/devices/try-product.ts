import type { Device } from "../device.ts";
import { graphOf, input, type NarrowType } from "../graph.ts";
import { mixedPrecision } from "../mixed-precision.ts";
import { matMul } from "../ops/matmul.ts";

/** What ONNX Runtime's providers say where the device lacks a type, and what it means. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/requires f16/, "its adapter has no shader-f16"],
  [
    /CUBLAS_STATUS_(NOT_SUPPORTED|ARCH_MISMATCH)/,
    "cuBLAS has no such products for its GPU; those of compute capability 8.0 and later have them",
  ],
];

/** Why a device cannot compute products in this type, found by trying one; undefined where it can. */
export async function tryProduct(
  compile: Device["compile"],
  type: NarrowType,
): Promise<string | undefined> {
  const x = input("x", [1, 1]);
  try {
    const executable = await compile(mixedPrecision(graphOf({ y: matMul(x, x) }), type));
    const two = { dtype: "float32", shape: [1, 1], data: Float32Array.of(2) } as const;
    const { y } = await executable.run({ x: two });
    await executable.release();
    return y?.data[0] === 4 ? undefined : `its ${type} computes 2 * 2 = ${y?.data[0]}`;
  } catch (error) {
    const { message } = error as Error;
    const known = REASONS.find(([pattern]) => pattern.test(message));
    return known?.[1] ?? message.split("\n")[0];
  }
}
