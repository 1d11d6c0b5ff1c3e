import type { InferenceSession } from "onnxruntime-node";
import type { Device, DeviceFacts } from "../../device.ts";
import { exportOnnx } from "../../onnx/export-onnx.ts";
import { peakMemory } from "../peak-memory.ts";
import { instructionSet } from "./instruction-set.ts";
import {
  loadRuntime,
  NOT_WITH_REPEATS,
  runtimeName,
  SessionExecutable,
} from "./session-executable.ts";
import { steadyProducts } from "./steady-products.ts";

export interface OnnxruntimeOptions {
  /** Threads that one operation may use. Results do not depend on it. */
  readonly threads: number;
  /** Whether idle threads spin for work: faster where the cores are free, slower where they are shared. */
  readonly spinning?: boolean;
}

/**
 * The processor, by ONNX Runtime. Throws DeviceError where onnxruntime-node cannot be loaded. From the first
 * compilation on, numbers too small for full precision count as 0, in this thread's JavaScript as well.
 */
export async function openOnnxruntimeDevice(options: OnnxruntimeOptions): Promise<Device> {
  const runtime = await loadRuntime();
  const facts: DeviceFacts = {
    kind: "cpu",
    runtime: runtimeName(runtime),
    platform: `${process.platform}-${process.arch}`,
    instructionSet: instructionSet(),
    threads: options.threads,
  };
  return {
    facts,
    async compile(graph, { repeats = false } = {}) {
      const session = await runtime.InferenceSession.create(
        exportOnnx(steadyProducts(graph)),
        sessionOptions(options, repeats),
      );
      return new SessionExecutable(runtime, graph, session);
    },
    peakBytes: (graph, given) => peakMemory(steadyProducts(graph), given),
  };
}

function sessionOptions(
  { threads, spinning = true }: OnnxruntimeOptions,
  repeats: boolean,
): InferenceSession.SessionOptions {
  return {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    // An arena would belong to one compiled graph and keep the memory of its largest run: 8 batch
    // shapes of a 6-layer BERT held 4.5 GB. Without, they share the allocator's, 0.9 GB in all.
    enableCpuMemArena: false,
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: {
      session: {
        set_denormal_as_zero: "1",
        intra_op: { allow_spinning: spinning ? "1" : "0" },
      },
      ...(repeats && { optimization: { disable_specified_optimizers: NOT_WITH_REPEATS } }),
    },
  };
}
