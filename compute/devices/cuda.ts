import type { Device } from "../device.ts";
import { exportOnnx } from "../onnx/export-onnx.ts";
import { deviceFailure, withFailures } from "./device-failure.ts";
import { findCuda } from "./find-cuda.ts";
import {
  loadRuntime,
  NOT_WITH_REPEATS,
  type Runtime,
  runtimeName,
  SessionExecutable,
} from "./session-executable.ts";
import { steadyScatters } from "./steady-scatter.ts";
import { tryProduct } from "./try-product.ts";

/**
 * The NVIDIA device with this id, else the first, by ONNX Runtime's CUDA provider. Throws DeviceError where something
 * is missing. Tensors come from the host and go back at each run: the binding offers nothing else.
 */
export async function openCudaDevice(id?: string): Promise<Device> {
  findCuda();
  const number = numberOf(id, process.env.CUDA_VISIBLE_DEVICES);
  process.env.NVIDIA_TF32_OVERRIDE ??= "0"; // float32 is to be float32, as on other devices
  const runtime = await loadRuntime();
  const compile: Device["compile"] = async (graph, { repeats = false } = {}) => {
    const model = exportOnnx(steadyScatters(graph));
    const session = await openSession(runtime, model, { number, repeats });
    return withFailures(new SessionExecutable(runtime, graph, session));
  };
  return {
    facts: {
      kind: "cuda",
      runtime: runtimeName(runtime),
      platform: `${process.platform}-${process.arch}`,
      instructionSet: "unknown",
      threads: 1,
    },
    // Products in float16 are in the provider, whatever the device; those in bfloat16 are the device's.
    lacksPrecision: async (type) => (type === "bfloat16" ? tryProduct(compile, type) : undefined),
    compile,
  };
}

/** CUDA counts the devices that a process may see from 0. */
export function numberOf(id: string | undefined, visible: string | undefined): number {
  if (id === undefined) return 0;
  const ids = visible?.split(",").map((one) => one.trim());
  return Math.max(0, ids === undefined ? Number(id) : ids.indexOf(id));
}

async function openSession(
  { InferenceSession }: Runtime,
  model: Uint8Array,
  { number, repeats }: { number: number; repeats: boolean },
) {
  try {
    return await InferenceSession.create(model, {
      executionProviders: [{ name: "cuda", deviceId: number }],
      graphOptimizationLevel: "all",
      logSeverityLevel: 4, // what goes wrong is thrown as well
      extra: {
        session: { use_deterministic_compute: "1" },
        ...(repeats && { optimization: { disable_specified_optimizers: NOT_WITH_REPEATS } }),
      },
    });
  } catch (error) {
    throw deviceFailure(error);
  }
}
