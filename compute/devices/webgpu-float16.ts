import { graphOf, input } from "../graph.ts";
import { mixedPrecision } from "../mixed-precision.ts";
import { exportOnnx } from "../onnx/export-onnx.ts";
import { matMul } from "../ops/matmul.ts";
import type { Runtime } from "./session-executable.ts";
import type { OpenSession } from "./webgpu-copies.ts";
import { webgpuGraph } from "./webgpu-graph.ts";

/** Why the adapter cannot compute products in float16, found by trying one; undefined where it can. */
export async function lacksFloat16(
  runtime: Runtime,
  open: OpenSession,
): Promise<string | undefined> {
  const x = input("x", [1, 1]);
  const graph = webgpuGraph(mixedPrecision(graphOf({ y: matMul(x, x) })));
  const two = new runtime.Tensor("float32", Float32Array.of(2), [1, 1]);
  try {
    const session = await open(exportOnnx(graph));
    const { y } = await session.run({ x: two });
    await session.release();
    return y?.data[0] === 4 ? undefined : `its float16 computes 2 * 2 = ${y?.data[0]}`;
  } catch (error) {
    const { message } = error as Error;
    return /requires f16/.test(message) ? "its adapter has no shader-f16" : message.split("\n")[0];
  }
}
